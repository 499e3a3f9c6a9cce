import type { EventStream } from './exchange.ts';

const KEEP_ALIVE_MS = 15_000;
/** A comment of an event stream: proxies close what is silent, clients pass over it. */
const KEEP_ALIVE_FRAME = ': keep-alive\n\n';

/** A message as JSON, which has no line breaks, as an event (https://html.spec.whatwg.org/multipage/server-sent-events.html). */
export function eventFrame(json: string): string {
  return `event: message\ndata: ${json}\n\n`;
}

/** Keeps a stream alive until the function that it returns is called. A client that does not read gets one frame. */
export function keepAlive(stream: EventStream): () => void {
  let isRead = true;
  const timer = setInterval(() => {
    if (!isRead) return;
    isRead = false;
    void stream.write(KEEP_ALIVE_FRAME).finally(() => (isRead = true));
  }, KEEP_ALIVE_MS);
  timer.unref();
  return () => clearInterval(timer);
}
