/** A way to a server that can be held up, so that what is asked of it takes as long as a test wants. */
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

export interface StallingProxy {
  /** The address of the server, by way of the proxy. */
  readonly url: string;
  /** Holds back every answer from now on. */
  stall(): void;
  /** Drops every connection, and every one that comes. */
  cut(): void;
  /** Lets through what was held back and all that comes. */
  resume(): void;
  close(): void;
}

export async function openStallingProxy(url: string): Promise<StallingProxy> {
  const target = new URL(url);
  const upstreams = new Set<Socket>();
  let held: (() => void)[] | undefined;
  let isCut = false;
  const server = createServer((client) => {
    if (isCut) {
      client.destroy();
      return;
    }
    const upstream = connect(Number(target.port), target.hostname);
    upstreams.add(upstream);
    upstream.on('data', (chunk) => {
      const pass = () => void client.write(chunk);
      if (held === undefined) pass();
      else held.push(pass);
    });
    client.on('data', (chunk) => void upstream.write(chunk));
    const end = () => {
      upstreams.delete(upstream);
      upstream.destroy();
      client.destroy();
    };
    for (const socket of [client, upstream]) socket.on('error', end).on('close', end);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const through = new URL(url);
  through.host = `127.0.0.1:${port}`;
  return {
    url: through.href,
    stall: () => {
      held ??= [];
    },
    cut: () => {
      isCut = true;
      for (const upstream of upstreams) upstream.destroy();
    },
    resume: () => {
      isCut = false;
      const passes = held ?? [];
      held = undefined;
      for (const pass of passes) pass();
    },
    close: () => {
      for (const upstream of upstreams) upstream.destroy();
      server.close();
    },
  };
}
