/** `howdah audit …` as a process, with the log in a store. */
import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { howdahCommand } from './built-program.ts';
import { useOwnStores, type StoreDatabase } from './store-kit.ts';

const stores = useOwnStores();

interface Run {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

function howdah({ env, stateDir, url, ownerUrl }: StoreDatabase, ...args: readonly string[]): Promise<Run> {
  const config = join(stateDir, 'howdah.yaml');
  writeFileSync(
    config,
    `secrets: { key: { env: STORE_KEY } }\nstore: { url: '${url}', migrate_url: '${ownerUrl}' }\nservers: {}\n`,
  );
  const command = howdahCommand(...args, '-c', config);
  return new Promise((resolve) => {
    execFile(process.execPath, command, { env: { PATH: process.env['PATH'], ...env } }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr });
    });
  });
}

interface Verified {
  readonly ok: boolean;
  readonly broken: readonly { readonly file: string; readonly sequence: number; readonly what: string }[];
  readonly store: {
    readonly events: number;
    readonly lost: string | null;
    readonly external: { readonly file: string; readonly count: number } | null;
  };
}
const read = ({ stdout }: Run) => JSON.parse(stdout) as Verified;

it(
  'verifies the store, names what is wrong with exit code 1, and accepts what a restore lost',
  { timeout: 120_000 },
  async () => {
    const database = await stores.make();
    const first = await howdah(database, 'audit', 'verify', '--json');
    expect([first.code, read(first)]).toEqual([0, expect.objectContaining({ ok: true, broken: [] })]);
    const second = await howdah(database, 'audit', 'verify', '--json');
    // the checkpoint that the first process took when it ended
    const external = { file: join(database.stateDir, 'audit-checkpoints.jsonl'), count: 1 };
    expect(read(second)).toMatchObject({ ok: true, store: { external } });

    // an older backup: neither the store nor the file of this machine has what the second process wrote, a copy has
    const copy = join(database.stateDir, 'copy.jsonl');
    writeFileSync(copy, readFileSync(external.file));
    await database.asOwner('alter table howdah.audit_event disable trigger all');
    await database.asOwner(
      `delete from howdah.audit_event e where kind <> 'opened' and chain = (select max(chain) from howdah.audit_event)`,
    );
    const third = await howdah(database, 'audit', 'verify', '--json', '--checkpoints', copy);
    expect([third.code, third.stderr]).toEqual([1, '']);
    expect(read(third).broken).toEqual([
      expect.objectContaining({
        sequence: 1,
        what: expect.stringMatching('It was truncated: the checkpoint 2') as string,
      }),
    ]);
    const text = await howdah(database, 'audit', 'verify');
    expect(text.code).toBe(1);
    expect(text.stdout).toMatch('It was truncated');

    const accept = ['audit', 'accept-restore', '--reason', 'restored from last night'];
    const blind = await howdah(database, ...accept);
    expect([blind.code, blind.stderr]).toEqual([
      2,
      expect.stringMatching('lost: is the digest that `howdah audit verify` gives') as string,
    ]);
    const other = await howdah(database, ...accept, '--lost', '0'.repeat(64));
    expect(other.stderr).toMatch('What is missing now is not what you have seen.');
    const still = read(await howdah(database, 'audit', 'verify', '--json'));
    expect(still.ok).toBe(false);
    expect(text.stdout).toMatch(still.store.lost ?? 'a digest');
    const accepted = await howdah(database, ...accept, '--lost', still.store.lost ?? '');
    expect([accepted.code, accepted.stderr]).toEqual([0, '']);
    const last = await howdah(database, 'audit', 'verify', '--json');
    expect([last.code, read(last).broken, read(last).store.lost]).toEqual([0, [], null]);
    const { rows } = await database.asRunRole(
      `select kind, outcome, input ->> 'reason' as reason from howdah.audit_event where operation = 'accept_restore' order by at, id`,
    );
    const reason = 'restored from last night';
    expect(rows).toEqual([
      { kind: 'ended', outcome: 'INVALID_INPUT', reason },
      { kind: 'begun', outcome: null, reason },
      { kind: 'ended', outcome: 'CONFLICT', reason },
      { kind: 'begun', outcome: null, reason },
      { kind: 'ended', outcome: 'OK', reason },
    ]);
  },
);

it('says that a file of checkpoints is not there, and that a call has no statement', { timeout: 60_000 }, async () => {
  const database = await stores.make();
  const missing = await howdah(database, 'audit', 'verify', '--checkpoints', '/nowhere/file');
  expect(missing.stderr).toMatch('The file of checkpoints /nowhere/file cannot be read.');
  const statement = await howdah(database, 'audit', 'statement', 'unknown');
  expect([statement.code, statement.stderr]).toEqual([
    2,
    expect.stringMatching('No exact statement is kept') as string,
  ]);
  const nothing = await howdah(database, 'audit', 'accept-restore', '--reason', 'x', '--lost', '0'.repeat(64));
  expect(nothing.stderr).toMatch('Nothing at the end of a chain is missing.');
});
