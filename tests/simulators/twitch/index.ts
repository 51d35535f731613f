/**
 * A fake Twitch over real HTTP and WebSocket. It owes nothing to the product and is reached only by
 * configured addresses. `startTwitch` is all of it; `twitchSender` signs and sends webhooks alone.
 */
export { twitchSender, type Sent, type TwitchSender, type TwitchSenderOptions } from './sender.ts';
export { sign, notificationBody, challengeBody, revocationBody } from './message.ts';
export type { TwitchMessage } from './message.ts';
export {
	payload,
	twitchTypes,
	allTypes,
	nanoseconds,
	seeded,
	noticeTypes
} from './generators/index.ts';
export type { Chance, Notice, Payload, Scene, TwitchType } from './generators/index.ts';
export { startTwitch, type TwitchOptions, type TwitchSimulator } from './simulator.ts';
export { giftBomb, type BombOptions, type Told } from './bomb.ts';
export type { Delivery, Fact, Happening } from './record.ts';
export type { Fault, Mix } from './script.ts';
