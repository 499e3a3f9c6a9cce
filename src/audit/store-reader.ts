import { DatabaseError } from 'pg';
import type { AuditEvent } from '../contract/audit-event.ts';
import { PlatformError } from '../core/errors.ts';
import type { Result } from '../postgres/database.ts';
import type { Step } from '../postgres/wire.ts';
import { isTooLarge, type StoreConnection } from '../store/connection.ts';
import type { Store } from '../store/open-store.ts';
import type { AuditFilters } from './filters.ts';
import { searchStep, type SearchPage } from './search.ts';
import type { SearchPlace } from './search-cursor.ts';
import { readRow } from './store-rows.ts';

/** Reads the audit log in the store. It trusts what it reads: `verify` checks. */
export interface StoreReader {
  search(page: SearchPage): Promise<AuditEvent[]>;
  /** All events that match, oldest first, as far as they are there when it begins; in constant memory. */
  all(filters: AuditFilters): AsyncGenerator<AuditEvent, void, undefined>;
  /** Runs what only reads, in one snapshot; it may take a minute. Fails with TIMEOUT. */
  ask(step: Step): Promise<Result['rows']>;
  /** As `ask`, beside what takes long. */
  askQuickly(step: Step): Promise<Result['rows']>;
}

/** Such a session plans for the values that it is given: how much is found depends on them. */
const READING: Step = {
  text: `select pg_catalog.set_config(name, value, false) from (values
    ('default_transaction_read_only', 'on'), ('plan_cache_mode', 'force_custom_plan'), ('statement_timeout', '60s'),
    ('application_name', 'howdah audit reader')) as s(name, value)`,
  values: [],
};
const TIME_LIMIT_MS = 70_000;
const PAGE = 500;

/** Sessions are opened when they are needed, and closed with the store. */
export function openStoreReader(store: Pick<Store, 'connect'>): StoreReader {
  const connect = () =>
    store.connect({
      timeLimitMs: TIME_LIMIT_MS,
      opening: async (exchange) => {
        await exchange([READING]);
      },
    });
  const sessions = new Map<'quick' | 'slow', StoreConnection>();

  async function ask(which: 'quick' | 'slow', step: Step): Promise<Result['rows']> {
    const session = sessions.get(which) ?? connect();
    sessions.set(which, session);
    try {
      const [result] = await session.exchange([step]);
      return result?.rows ?? [];
    } catch (error) {
      throw explain(error);
    }
  }

  const page = async (which: 'quick' | 'slow', wanted: SearchPage) =>
    (await ask(which, searchStep(wanted))).map((row) => readRow(row));

  /** Fewer at a time where events are so large that a page of them does not fit in memory. */
  async function fittingPage(wanted: SearchPage): Promise<AuditEvent[]> {
    try {
      return await page('slow', wanted);
    } catch (error) {
      if (!isTooLarge(error) || wanted.limit === 1) throw error;
      return fittingPage({ ...wanted, limit: Math.ceil(wanted.limit / 8) });
    }
  }

  return {
    ask: (step) => ask('slow', step),
    askQuickly: (step) => ask('quick', step),
    search: (wanted) => page('quick', wanted),
    async *all(filters) {
      const until = filters.until ?? new Date().toISOString();
      let after: SearchPlace | undefined;
      for (;;) {
        const events = await fittingPage({ filters: { ...filters, until }, after, limit: PAGE, oldestFirst: true });
        yield* events;
        const last = events.at(-1);
        if (last === undefined) return;
        after = { at: last.at, id: last.id };
      }
    },
  };
}

/** 57014 is query_canceled: https://www.postgresql.org/docs/current/errcodes-appendix.html */
function explain(error: unknown): unknown {
  const cause = error instanceof PlatformError ? error.cause : undefined;
  if (!(cause instanceof DatabaseError && cause.code === '57014')) return error;
  return new PlatformError('TIMEOUT', 'The audit log was not read within a minute.', {
    hint: 'Narrow it: a shorter time by `since` and `until`, or a principal, an operation, a server or an outcome.',
    cause,
  });
}
