import { testRealtime } from './realtime.ts';

testRealtime({ vsn: '1.0.0' });
testRealtime({ vsn: '2.0.0' });
