import { hash } from 'node:crypto';
import type { AuditEvent } from '../contract/audit-event.ts';
import { arrayText } from '../postgres/parameter-text.ts';
import type { BrokenRow } from './bound-tables.ts';
import type { Exchange } from './store-scan.ts';

const PAGE = 500;

/** Checks the exact statements that are kept sealed against the events of their calls. */
export interface StatementChecker {
  /** To be given every event that is whole. */
  add(event: AuditEvent): Promise<void>;
  /** The rest, and what nobody's event tells of. */
  finish(): Promise<{ readonly count: number; readonly broken: readonly BrokenRow[] }>;
}

/** What an event says of the sealed statement of its call: the SHA-256 of what is sealed. */
export function statementDigest(sealed: Uint8Array): string {
  return hash('sha256', sealed, 'hex');
}

export function digestIn({ kind, call_id: callId, details }: AuditEvent): string | undefined {
  if (kind !== 'ended' || callId === null || typeof details !== 'object' || details === null) return undefined;
  const digest: unknown = 'statement_digest' in details ? details.statement_digest : undefined;
  return typeof digest === 'string' ? digest : undefined;
}

export function createStatementChecker(exchange: Exchange): StatementChecker {
  const broken: BrokenRow[] = [];
  let batch = new Map<string, string>();
  const report = (row: string, what: string) => void broken.push({ table: 'audit_statement', row, what });

  /** An event tells of a statement: it must be there as it was. */
  async function flush(): Promise<void> {
    const text = `select call_id, encode(sha256(sealed), 'hex') from howdah.audit_statement where call_id = any($1::text[])`;
    const [result] = await exchange([{ text, values: [arrayText([...batch.keys()])] }]);
    const found = new Map((result?.rows ?? []).map(([callId, digest]) => [callId ?? '', digest]));
    for (const [callId, digest] of batch) {
      if (!found.has(callId)) report(callId, 'The exact statement of this call is gone.');
      else if (found.get(callId) !== digest) report(callId, 'The exact statement of this call was changed.');
    }
    batch = new Map();
  }

  /** A statement is there: an event must tell of it. */
  async function findPlanted(): Promise<number> {
    let count = 0;
    for (let from = ['', '-infinity']; ;) {
      const text = `select s.call_id, s.at::text, exists (
             select from howdah.audit_event e where e.call_id = s.call_id and e.kind = 'ended'
                and (e.details -> 'statement_digest')::text = '"' || encode(sha256(s.sealed), 'hex') || '"')::text
        from howdah.audit_statement s where (s.call_id, s.at) > ($1, $2::timestamptz) order by s.call_id, s.at limit ${PAGE}`;
      const [page] = await exchange([{ text, values: from }]);
      const rows = page?.rows ?? [];
      for (const [callId, at, isTold] of rows) {
        from = [callId ?? '', at ?? ''];
        count += 1;
        if (isTold !== 'true') report(callId ?? '', 'No event in the log tells of this statement.');
      }
      if (rows.length < PAGE) return count;
    }
  }

  return {
    async add(event) {
      const digest = digestIn(event);
      if (digest === undefined) return;
      batch.set(event.call_id ?? '', digest);
      if (batch.size >= PAGE) await flush();
    },
    async finish() {
      await flush();
      return { count: await findPlanted(), broken };
    },
  };
}
