import { createHash } from 'node:crypto';
import pg from 'pg';
import { withSession, withSessions, type DemoServer, type Login } from './session.ts';

/** A part of a database that is made in one go. */
export interface Chapter {
  /** What is made, for people. */
  readonly title: string;
  /** Each is sent alone, since some cannot run inside a transaction. */
  readonly statements: readonly string[];
}

/** A statement that an application sends. */
export interface Habit {
  readonly sql: string;
  /** How often it is sent before the demo opens, with a number from 1 on as the parameter. */
  readonly times: number;
}

/** A database of the demo, which is made once. */
export interface DemoDatabase {
  readonly name: string;
  /** The role that owns it and that the application logs in as. */
  readonly owner: string;
  readonly chapters: readonly Chapter[];
  readonly habits: readonly Habit[];
}

/** The login that diagnostics use: a member of pg_monitor. */
export const MONITOR = 'monitor';
/** The login that SQL of callers runs on: it reads tables and does nothing else. */
export const READER = 'reader';

const HABIT_SESSIONS = 6;

/** Whether the database is there whole, as this Howdah makes it. */
export async function isMade(server: DemoServer, database: DemoDatabase, signal: AbortSignal): Promise<boolean> {
  return withSession(server, administrator(signal), async (client) => {
    const { rows } = await client.query<{ mark: string | null }>(
      `SELECT shobj_description(oid, 'pg_database') AS mark FROM pg_database WHERE datname = $1`,
      [database.name],
    );
    return rows[0]?.mark === markOf(database);
  });
}

/** Makes the database in place of whatever has its name; only a whole one is marked. */
export async function makeDatabase(
  server: DemoServer,
  database: DemoDatabase,
  { signal, onChapter }: { readonly signal: AbortSignal; readonly onChapter: (title: string, tookMs: number) => void },
): Promise<void> {
  const { name, owner, chapters, habits } = database;
  await clear(server, name, signal);
  await withSession(server, administrator(signal), async (client) => {
    for (const role of [owner, MONITOR, READER]) {
      await client.query(`CREATE ROLE ${role} LOGIN`).catch(expect('42710')); // duplicate_object
    }
    await client.query(`GRANT pg_monitor TO ${MONITOR}`);
    await client.query(`ALTER ROLE ${READER} SET default_transaction_read_only = on`);
    await client.query(`ALTER ROLE ${READER} SET temp_file_limit = '1GB'`);
    await client.query(`CREATE DATABASE ${name} OWNER ${owner}`);
    await client.query(`REVOKE TEMPORARY ON DATABASE ${name} FROM PUBLIC`);
  });
  await withSession(server, { ...administrator(signal), database: name }, async (client) => {
    for (const { title, statements } of chapters) {
      const started = performance.now();
      // a unique index that finds duplicates stays behind as invalid: it is one of the planted problems
      for (const statement of statements) await client.query(statement).catch(expect('23505'));
      onChapter(title, performance.now() - started);
    }
    await client.query('RESET ROLE');
    await client.query(`GRANT SELECT ON ALL TABLES IN SCHEMA public TO ${READER}`);
  });
  await form(server, database, signal);
  await withSession(server, administrator(signal), async (client) => {
    await client.query(`COMMENT ON DATABASE ${name} IS '${markOf({ name, owner, chapters, habits })}'`);
  });
}

/** A database cannot be dropped while a transaction is prepared in it. */
async function clear(server: DemoServer, name: string, signal: AbortSignal): Promise<void> {
  await withSession(server, administrator(signal), async (client) => {
    const { rows } = await client.query<{ gid: string }>('SELECT gid FROM pg_prepared_xacts WHERE database = $1', [
      name,
    ]);
    if (rows.length > 0) {
      await withSession(server, { ...administrator(signal), database: name }, async (inside) => {
        for (const { gid } of rows) await inside.query(`ROLLBACK PREPARED ${pg.escapeLiteral(gid)}`);
      });
    }
    await client.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
  });
}

/** The application works for a moment, so that there is something in the counters. */
async function form(server: DemoServer, { name, owner, habits }: DemoDatabase, signal: AbortSignal): Promise<void> {
  const queue = habits.flatMap(({ sql, times }) => Array.from({ length: times }, (_, i) => ({ sql, n: i + 1 })));
  const login = { user: owner, database: name, as: name, signal };
  await withSessions(server, { ...login, count: HABIT_SESSIONS }, (clients) =>
    Promise.all(
      clients.map(async (client) => {
        for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
          await client.query(next.sql, [next.n]);
        }
      }),
    ),
  );
}

/** The superuser, in the database that is always there. */
export function administrator(signal: AbortSignal): Login {
  return { user: 'postgres', database: 'postgres', as: 'howdah demo', signal };
}

/** Changes with whatever the database is made of. */
function markOf(database: DemoDatabase): string {
  return `howdah demo ${createHash('sha256')
    .update(JSON.stringify({ ...database, logins: [MONITOR, READER] }))
    .digest('hex')
    .slice(0, 16)}`;
}

function expect(sqlstate: string): (error: unknown) => void {
  return (error) => {
    if (!(error instanceof pg.DatabaseError) || error.code !== sqlstate) throw error;
  };
}
