import { ProtocolErrorCode, type JSONRPCMessage, type RequestId, type Transport } from '@modelcontextprotocol/server';
import type { Readable, Writable } from 'node:stream';
import type { Logger } from '../telemetry/logger.ts';
import { createLineSplitter } from './line-splitter.ts';
import { readMessage, type Refusal } from './message.ts';
import { createRefusalLog } from './refusal-log.ts';

const MAX_MESSAGE_BYTES = 1_048_576;
/** What was asked before the input ended is still answered for this long, so that piped requests get their answers. */
const LAST_ANSWERS_MS = 1000;
/**
 * With more requests than this unanswered nothing is read. Far above what a persona may have under way, so that a
 * cancellation is not kept waiting; the calls beyond that are refused at once.
 */
const MAX_UNDER_WAY = 256;

export interface Streams {
  readonly stdin: Readable;
  readonly stdout: Writable;
}

export interface StrictStdio extends Transport {
  /** Resolves when nothing more is read or sent. */
  readonly closed: Promise<void>;
}

/**
 * MCP over the streams of a process: one message a line, in UTF-8. What is not a message is answered with an error and
 * the process lives on. While the other side does not take our answers, nothing more is read.
 */
export function createStrictStdio({ stdin, stdout }: Streams, logger: Logger): StrictStdio {
  const refusals = createRefusalLog(logger);
  const out = createOutput(stdout, () => regulate());
  const underWay = new Set<RequestId>();
  let state: 'open' | 'ended' | 'closed' = 'open';
  let announceClosed: () => void;

  const lines = createLineSplitter(MAX_MESSAGE_BYTES, {
    line: (bytes) => {
      if (isBlank(bytes)) return;
      const reading = readMessage(bytes);
      if ('refusal' in reading) refuse(reading.refusal);
      else receive(reading.message);
    },
    overlong: () => refuse(invalid(`A message has at most ${MAX_MESSAGE_BYTES} bytes.`)),
  });

  function receive(message: JSONRPCMessage): void {
    if ('method' in message && 'id' in message) {
      // an error with this id would be taken for the answer to the first request
      if (underWay.has(message.id)) return refuse(invalid('A request with this id is under way.'));
      underWay.add(message.id);
      regulate();
    } else if ('method' in message && message.method === 'notifications/cancelled') {
      // a cancelled request is not answered
      settle(message.params?.['requestId'] as RequestId);
    }
    transport.onmessage?.(message);
  }

  function settle(id: RequestId): void {
    underWay.delete(id);
    if (state === 'ended' && underWay.size === 0) close();
    else regulate();
  }

  function regulate(): void {
    if (state !== 'open') return;
    if (out.isFull() || underWay.size >= MAX_UNDER_WAY) stdin.pause();
    else if (stdin.isPaused()) stdin.resume();
  }

  function refuse({ id, code, reason }: Refusal): void {
    refusals.add(code, reason);
    void out.write({ jsonrpc: '2.0', id, error: { code, message: reason } });
  }

  const onData = (chunk: Buffer) => lines.push(chunk);
  const onEnd = () => {
    if (state !== 'open') return;
    state = 'ended';
    lines.end();
    if (underWay.size === 0) close();
    else setTimeout(close, LAST_ANSWERS_MS);
  };

  function close(): void {
    if (state === 'closed') return;
    state = 'closed';
    out.close();
    stdin.off('data', onData).off('end', onEnd).off('close', onEnd).pause();
    transport.onclose?.();
    announceClosed();
  }

  const transport: StrictStdio = {
    closed: new Promise((resolve) => {
      announceClosed = resolve;
    }),
    start: () => {
      stdin.on('data', onData).on('end', onEnd).on('close', onEnd);
      // these stay for good: a pipe that breaks late must not end the process with an exception
      stdin.on('error', close);
      stdout.on('error', close).on('close', close);
      if (stdin.readableEnded || stdin.destroyed) setImmediate(onEnd);
      return Promise.resolve();
    },
    send: async (message) => {
      const written = out.write(message);
      if (!('method' in message) && message.id !== undefined) settle(message.id);
      await written;
    },
    close: () => {
      close();
      return Promise.resolve();
    },
  };
  return transport;
}

interface Output {
  /** Resolves when there is room for the next message; at once after `close`. */
  write(message: object): Promise<void>;
  isFull(): boolean;
  close(): void;
}

function createOutput(stdout: Writable, onChange: () => void): Output {
  let isClosed = false;
  const waiting: (() => void)[] = [];
  const release = () => {
    for (const resume of waiting.splice(0)) resume();
  };
  const onDrain = () => {
    release();
    onChange();
  };
  stdout.on('drain', onDrain);
  return {
    async write(message) {
      if (isClosed || stdout.write(`${JSON.stringify(message)}\n`)) return;
      const room = new Promise<void>((resolve) => waiting.push(resolve));
      onChange();
      await room;
    },
    isFull: () => waiting.length > 0,
    close() {
      isClosed = true;
      stdout.off('drain', onDrain);
      release();
    },
  };
}

function invalid(reason: string): Refusal {
  return { id: null, code: ProtocolErrorCode.InvalidRequest, reason };
}

function isBlank(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte === 0x20 || byte === 0x09 || byte === 0x0d);
}
