import { parseEvent } from './event.ts';
import { redraft } from './chain.ts';
import { readLines } from './lines.ts';
import type { SpoolHeader } from './spool.ts';
import type { StatementRow } from './statement.ts';
import { insertStatements, readLine } from './statement-rows.ts';
import { insertStep, type SealedEvent } from './store-rows.ts';
import { claimChain } from './store-writer.ts';
import type { Store } from '../store/open-store.ts';

const BATCH = 1000;
/** Of JSON: the parameters of one statement must fit in memory, several times. */
const BATCH_BYTES = 4_000_000;

/** Adds what a spool holds to the store, in order; what is there already stays as it is. */
export interface Replay {
  /** Replays what was appended since. Resolves with how many events that were. */
  step(): Promise<number>;
  close(): Promise<void>;
}

export function openReplay(store: Pick<Store, 'connect'>, path: string, header: SpoolHeader): Replay {
  const connection = store.connect({ opening: (exchange) => claimChain(exchange, header) });
  let position = 0;

  async function step(): Promise<number> {
    let count = 0;
    let batch: SealedEvent[] = [];
    let statements: StatementRow[] = [];
    let bytes = 0;
    let end = position;
    const flush = async () => {
      const steps = [...(batch.length > 0 ? [insertStep(header.chain, batch)] : []), ...insertStatements(statements)];
      if (steps.length > 0) await connection.exchange(steps);
      count += batch.length;
      position = end;
      batch = [];
      statements = [];
      bytes = 0;
    };
    for await (const line of readLines(path, position)) {
      if (!line.terminated) break; // never acknowledged
      const statement = readLine(line.bytes);
      const event = statement === undefined ? sealedEvent(line.bytes) : undefined;
      if (statement !== undefined) statements.push(statement);
      else if (event !== undefined) batch.push(event);
      else if (end > 0) throw new Error(`the line that ends at byte ${line.end} of ${path} is no audit event`);
      bytes += line.bytes.length;
      end = line.end;
      if (batch.length >= BATCH || bytes >= BATCH_BYTES) await flush();
    }
    await flush();
    return count;
  }

  return {
    step,
    close: () => connection.close(),
  };
}

/** Undefined for the first line, which is no event. */
function sealedEvent(bytes: Buffer): SealedEvent | undefined {
  const event = parseEvent(bytes);
  if (event === undefined) return undefined;
  const { sequence, previous_hash: previousHash, hash } = event;
  return { draft: redraft(event), line: bytes.toString(), sequence, previousHash, hash };
}
