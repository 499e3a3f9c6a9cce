import type { EventStream } from '../mcp/http/exchange.ts';
import { begin } from './answer.ts';
import type { Exchange } from './exchange.ts';

/** Some proxies hold an answer back until it ends, unless told not to. */
const HEADERS = { 'Cache-Control': 'no-store, no-transform', 'X-Accel-Buffering': 'no' };

/**
 * Opens the answer as server-sent events. A client that lets more than `unreadBytes` wait is cut off at the next frame,
 * and so is one that takes nothing for too long.
 */
export function openEventStream(exchange: Exchange, unreadBytes: number): EventStream {
  const { response, site } = exchange;
  let room: Promise<void> | undefined;

  begin(exchange, { status: 200, contentType: 'text/event-stream', headers: HEADERS });
  response.flushHeaders();
  site.streams += 1;
  response.once('close', () => (site.streams -= 1));

  return {
    write(frame) {
      if (response.destroyed || response.writableEnded) return Promise.resolve();
      if (response.writableLength > unreadBytes) {
        response.destroy();
        return Promise.resolve();
      }
      exchange.bytes += Buffer.byteLength(frame);
      if (response.write(frame)) return Promise.resolve();
      site.backlog.watch(response);
      room ??= new Promise<void>((resolve) => {
        const settle = () => {
          room = undefined;
          response.off('drain', settle).off('close', settle);
          resolve();
        };
        response.on('drain', settle).on('close', settle);
      });
      return room;
    },
    end: () => {
      response.end();
      site.backlog.watch(response);
    },
  };
}
