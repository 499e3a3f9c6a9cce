/** Which login runs what a caller wrote. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { answerOf, errorOf, makeReader, openCallersHowdah, type CallersHowdah, type Reader } from '../callers-kit.ts';
import { useClone } from '../postgres/clone.ts';
import { describeSomeMajors } from '../postgres/each-major.ts';
import { runAs } from '../postgres/platform.ts';

const path = async (howdah: CallersHowdah) =>
  answerOf(await howdah.call('query', { sql: "select current_setting('search_path')" }))['rows'];

describeSomeMajors('a login for SQL of callers', (cluster) => {
  const clone = useClone(cluster);
  let reader: Reader;
  const opened: CallersHowdah[] = [];
  const open = async (options: Partial<Parameters<typeof openCallersHowdah>[0]> = {}) => {
    const howdah = await openCallersHowdah({ url: clone().monitorUrl, logins: { reader }, ...options });
    opened.push(howdah);
    return howdah;
  };
  const admin = (...statements: readonly string[]) => runAs(clone().superuserUrl, ...statements);
  beforeAll(async () => {
    reader = await makeReader(clone().superuserUrl, 'grant usage on schema shop', 'grant select on shop.customers');
  });
  afterAll(async () => {
    for (const each of opened) await each.close();
  });

  it.each([
    ['superuser', 'SUPERUSER', 'NOSUPERUSER'],
    ['bypassrls', 'BYPASSRLS', 'NOBYPASSRLS'],
    ['createrole', 'CREATEROLE', 'NOCREATEROLE'],
    ['createdb', 'CREATEDB', 'NOCREATEDB'],
    ['replication', 'REPLICATION', 'NOREPLICATION'],
  ])('runs nothing as %s', async (attribute, named, mend) => {
    await admin(`alter role ${reader.user} ${attribute}`);
    const howdah = await open();
    const error = errorOf(await howdah.call('query', { sql: 'select 1' }));
    await admin(`alter role ${reader.user} no${attribute}`);
    expect(error).toMatchObject({ code: 'UNSUPPORTED', message: expect.stringContaining(named) });
    expect(error.hint).toContain(`ALTER ROLE "${reader.user}" ${mend}`);
  });

  it.each([
    ['grant pg_monitor to USER', 'revoke pg_monitor from USER', /member of pg_monitor/],
    [
      'grant insert on shop.customers to USER',
      'revoke insert on shop.customers from USER',
      /may change shop\.customers/,
    ],
    [
      'grant update (name) on shop.customers to USER',
      'revoke update (name) on shop.customers from USER',
      /may change shop\.customers/,
    ],
    [
      'grant usage on sequence shop.customers_id_seq to USER',
      'revoke usage on sequence shop.customers_id_seq from USER',
      /may advance shop\.customers_id_seq/,
    ],
    ['grant create on schema shop to USER', 'revoke create on schema shop from USER', /may create in the schema shop/],
    ['create schema owned authorization USER', 'drop schema owned', /owns schema owned/],
    [
      'create role middle; grant middle to USER; grant delete on shop.customers to middle',
      'revoke all on shop.customers from middle; drop role middle',
      /may change shop\.customers/,
    ],
    ['create role boss superuser; grant boss to USER', 'drop role boss', /SUPERUSER/],
  ])('runs nothing after %s', async (grant, revoke, message) => {
    await admin(grant.replaceAll('USER', reader.user));
    const howdah = await open();
    const error = errorOf(await howdah.call('query', { sql: 'select 1' }));
    await admin(revoke.replaceAll('USER', reader.user));
    expect(error).toMatchObject({
      code: 'UNSUPPORTED',
      message: expect.stringMatching(message),
      hint: expect.stringMatching(/REVOKE|REASSIGN|ALTER/),
    });
  });

  it('is UNSUPPORTED where there is none, with the statements that make one, and they do', async () => {
    const howdah = await open({ logins: {} });
    const { code, hint = '' } = errorOf(await howdah.call('query', { sql: 'select 1' }));
    expect(code).toBe('UNSUPPORTED');
    const statements = hint.split('\n').filter((line) => /^(CREATE|GRANT|ALTER|REVOKE)/.test(line));
    expect(statements.length).toBeGreaterThan(5);
    await admin(...statements, "alter role howdah_reader password 'made'");
    try {
      const made = await open({ logins: { reader: { user: 'howdah_reader', password: 'made' } } });
      expect(answerOf(await made.call('query', { sql: 'select current_user::text' }))).toMatchObject({
        rows: [['howdah_reader']],
        findings: [],
      });
    } finally {
      await admin('drop owned by howdah_reader', 'drop role howdah_reader');
    }
  });

  it('is that of the URL on this machine where no login was made, with a warning, and never over HTTP', async () => {
    const howdah = await open({ logins: {}, url: clone().superuserUrl });
    const answer = answerOf(await howdah.call('query', { sql: 'select 1' }, { origin: { transport: 'stdio' } }));
    expect(answer).toMatchObject({
      rows: [[1]],
      findings: [
        {
          severity: 'warning',
          claim: expect.stringContaining('only Howdah itself'),
          next_step: expect.stringContaining('CREATE ROLE'),
        },
      ],
    });
    expect(errorOf(await howdah.call('query', { sql: 'select 1' }))).toMatchObject({ code: 'UNSUPPORTED' });
    const error = errorOf(await howdah.call('query', { sql: 'create table x ()' }, { origin: { transport: 'stdio' } }));
    expect(error.code).toBe('QUERY_FAILED');
  });

  it('finds names in the path of the role, or of the server, and in no temporary schema first', async () => {
    await admin(`alter role ${reader.user} set search_path = '"$user"', gone, shop, pg_temp`);
    expect(await path(await open())).toEqual([['"pg_catalog", "shop", "pg_temp"']]);
    expect(await path(await open({ server: { search_path: ['pg_temp', 'gone', 'public', 'shop'] } }))).toEqual([
      ['"pg_catalog", "public", "shop", "pg_temp"'],
    ]);
    await admin(`alter role ${reader.user} reset search_path`);
  });

  it('says which grant is missing', async () => {
    const howdah = await open({ guard: 'own' });
    await howdah.call('query', { sql: 'select 1' }); // the parser starts
    const error = errorOf(await howdah.call('query', { sql: 'select count(*) from shop.order_lines' }));
    expect(error).toMatchObject({
      code: 'QUERY_FAILED',
      details: { sqlstate: '42501' },
      hint: `GRANT SELECT ON "shop"."order_lines" TO "${reader.user}";`,
    });
    expect(errorOf(await howdah.call('query', { sql: 'select * from shop.nothing' }))).toMatchObject({
      code: 'NOT_FOUND',
    });
    expect(errorOf(await howdah.call('query', { sql: 'selct 1' }))).toMatchObject({
      code: 'SQL_REJECTED',
      details: { position: 1 },
    });
  });

  it('is looked at by the doctor', async () => {
    const howdah = await open();
    await admin(`alter role ${reader.user} createdb`);
    const asAdmin = {
      principal: { ...(await import('../../src/identity/local-principal.ts')).localPrincipal('admin', 'tester') },
    };
    const answer = answerOf(await howdah.call('doctor', {}, asAdmin));
    await admin(`alter role ${reader.user} nocreatedb`);
    expect(answer['logins']).toMatchObject([{ login: 'reader', role: reader.user, reachable: true }]);
    expect(answer['findings']).toContainEqual(
      expect.objectContaining({
        severity: 'warning',
        object: `"${reader.user}"`,
        next_step: `ALTER ROLE "${reader.user}" NOCREATEDB;`,
      }),
    );
  });
});
