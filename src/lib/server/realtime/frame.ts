/**
 * Whole WebSocket frames, built once. A server's frames are not masked, so a message to a thousand
 * sockets is the same bytes a thousand times: they are framed here and written to each raw socket
 * as they are, past `ws`'s sender (which would frame and write twice for each receiver).
 */
import type { Encoded } from './wire.ts';

/** One final, unmasked, uncompressed frame (RFC 6455 §5.2). */
export function frameOf({ opcode, data }: Encoded): Buffer {
	const { length } = data;
	const header = length < 126 ? 2 : length < 65_536 ? 4 : 10;
	const frame = Buffer.allocUnsafe(header + length);
	frame[0] = 0x80 | opcode;
	if (header === 2) frame[1] = length;
	else if (header === 4) {
		frame[1] = 126;
		frame.writeUInt16BE(length, 2);
	} else {
		frame[1] = 127;
		frame.writeUInt32BE(0, 2);
		frame.writeUInt32BE(length, 6);
	}
	data.copy(frame, header);
	return frame;
}
