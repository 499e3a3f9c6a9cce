import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterAll, describe, expect, it } from 'vitest';
import { PlatformError } from '../core/errors.ts';
import { describeTarget, parseTarget, type ConnectionTarget, type TargetOptions } from './target.ts';

const home = mkdtempSync(join(tmpdir(), 'howdah-target-'));
afterAll(() => rmSync(home, { recursive: true }));

function parse(
  source: string,
  env: Record<string, string> = {},
  options: Partial<TargetOptions> = {},
): ConnectionTarget {
  return parseTarget(source, { env: { HOME: home, ...env }, ...options });
}

function passwordOf(target: ConnectionTarget): Promise<string | undefined> {
  const [host] = target.hosts;
  return target.password(host ?? { host: '', port: 0 });
}

function failureOf(source: string, env: Record<string, string> = {}): PlatformError {
  try {
    parse(source, env);
  } catch (error) {
    if (error instanceof PlatformError) return error;
    throw error;
  }
  throw new Error(`${source} was accepted`);
}

describe('a connection URL', () => {
  it.each([
    ['postgresql://u@h/d', 'u@h:5432/d'],
    ['postgres://u@h:6543/d', 'u@h:6543/d'],
    ['postgresql://u@h', 'u@h:5432/u'],
    ['postgresql://u@h1:5432,h2,[::1]:5433/d', 'u@h1:5432,h2:5432,[::1]:5433/d'],
    ['postgresql://u@h1,h2/d?port=5499', 'u@h1:5499,h2:5499/d'],
    ['postgresql://u%40corp@h/d%2Fe', 'u@corp@h:5432/d/e'],
    ['postgresql://u@%2Frun%2Fpg:5433/d', 'u@/run/pg:5433/d'],
    ['postgresql:///d?host=/run/pg&user=u', 'u@/run/pg:5432/d'],
    ['postgresql://u@h/d?dbname=other', 'u@h:5432/other'],
  ])('%s is %s', (source, description) => {
    expect(describeTarget(parse(source))).toBe(description);
  });

  it('holds the password and the parameters', async () => {
    const target = parse(
      'postgresql://u:p%40ss%3Aw%2F%25@h/d?target_session_attrs=standby&connect_timeout=7&load_balance_hosts=random',
    );
    expect(target).toMatchObject({ targetSessionAttrs: 'standby', connectTimeoutMs: 7000, loadBalance: true });
    expect(await passwordOf(target)).toBe('p@ss:w/%');
  });

  it('may say ssl=true, as that of JDBC does', async () => {
    const target = parse('postgresql://u@h/d?ssl=true');
    expect(await target.tls({ host: 'h', port: 5432 })).toMatchObject({ mode: 'require' });
  });
});

describe('a keyword/value string', () => {
  it.each([
    ['host=h port=6543 dbname=d user=u', 'u@h:6543/d'],
    ["  host = 'h'\n user='u v' dbname = d ", 'u v@h:5432/d'],
    [String.raw`user=u\ v dbname='it\'s' host=h`, "u v@h:5432/it's"],
    ["host=h user=u dbname=''", 'u@h:5432/u'],
    ['host=a,b port=1,2 user=u', 'u@a:1,b:2/u'],
  ])('%s is %s', (source, description) => {
    expect(describeTarget(parse(source))).toBe(description);
  });

  it('keeps the last of two values', () => {
    expect(describeTarget(parse('host=a host=b user=u'))).toBe('u@b:5432/u');
  });
});

describe('where a parameter comes from', () => {
  const services = join(home, 'services.conf');
  writeFileSync(
    services,
    '# ours\n[other]\nhost=wrong\n\n[shop]\nhost=from-service\nport=6000\nhost=ignored\n[end]\nuser=no\n',
  );
  const env = {
    PGHOST: 'from-env',
    PGPORT: '7000',
    PGUSER: 'from-env',
    PGDATABASE: 'from-env',
    PGSERVICEFILE: services,
  };

  it('is the string, then the service, then the environment', () => {
    expect(describeTarget(parse('user=explicit service=shop', env))).toBe('explicit@from-service:6000/from-env');
    expect(describeTarget(parse('', { ...env, PGSERVICE: 'shop' }))).toBe('from-env@from-service:6000/from-env');
    expect(describeTarget(parse('postgresql://', env))).toBe('from-env@from-env:7000/from-env');
  });

  it('is the user of the system and a server of this machine where nothing is said', async () => {
    const { username } = userInfo();
    const target = parse('port=54399');
    expect(describeTarget(target)).toBe(`${username}@localhost:54399/${username}`);
    const listener = createServer();
    await new Promise<void>((resolve) => listener.listen('/tmp/.s.PGSQL.54399', resolve));
    expect(describeTarget(parse('port=54399'))).toBe(`${username}@/tmp:54399/${username}`);
    await new Promise((resolve) => listener.close(resolve));
  });

  it('has the defaults of libpq, but no wait for ever', () => {
    expect(parse('host=h user=u')).toMatchObject({
      targetSessionAttrs: 'any',
      connectTimeoutMs: 5000,
      loadBalance: false,
      pooling: 'session',
    });
    expect(parse('host=h user=u connect_timeout=0').connectTimeoutMs).toBe(5000);
  });

  it('is no empty variable', () => {
    expect(describeTarget(parse('host=h user=u', { PGDATABASE: '', PGPORT: '' }))).toBe('u@h:5432/u');
  });

  it('tells the name to verify from the address to connect to', () => {
    expect(parse('host=name hostaddr=192.0.2.1 user=u').hosts).toEqual([{ host: '192.0.2.1', port: 5432 }]);
  });
});

describe('the password', () => {
  const passfile = join(home, '.pgpass');
  writeFileSync(passfile, 'h:5432:*:u:from-pgpass\nname:*:*:*:of-name\nlocalhost:*:*:*:of-socket\n', { mode: 0o600 });

  it('comes from the configuration, the string, the environment, then the file', async () => {
    const env = { PGPASSWORD: 'from-env' };
    const configured = { password: { env: 'SHOP_PASSWORD' } };
    expect(await passwordOf(parse('postgresql://u:own@h', { ...env, SHOP_PASSWORD: 'configured' }, configured))).toBe(
      'configured',
    );
    expect(await passwordOf(parse('postgresql://u:own@h', env))).toBe('own');
    expect(await passwordOf(parse('postgresql://u@h', env))).toBe('from-env');
    expect(await passwordOf(parse('postgresql://u@h'))).toBe('from-pgpass');
    expect(await passwordOf(parse('postgresql://other@h'))).toBeUndefined();
  });

  it('is looked up by the name, and by localhost for the usual sockets', async () => {
    expect(await passwordOf(parse('host=name hostaddr=192.0.2.1 user=u'))).toBe('of-name');
    expect(await passwordOf(parse('host=/var/run/postgresql user=u'))).toBe('of-socket');
    expect(await passwordOf(parse('host=/elsewhere user=u'))).toBeUndefined();
  });

  it('is read again from the service file for each connection', async () => {
    const file = join(home, 'changing.conf');
    writeFileSync(file, '[s]\nhost=h\npassword=first\n');
    const target = parse('service=s user=u', { PGSERVICEFILE: file });
    expect(await passwordOf(target)).toBe('first');
    writeFileSync(file, '[s]\nhost=h\npassword=second\n');
    expect(await passwordOf(target)).toBe('second');
  });

  it('is in nothing that a target shows of itself', () => {
    const target = parse('postgresql://u:topsecret@h/d', { PGPASSWORD: 'topsecret' });
    expect(inspect(target, { depth: 9, showHidden: true }) + JSON.stringify(target)).not.toContain('topsecret');
    expect(describeTarget(target)).toBe('u@h:5432/d');
  });

  it('warns once of a file that others can read', async () => {
    const open = join(home, 'open.pgpass');
    writeFileSync(open, '*:*:*:*:open\n', { mode: 0o644 });
    const warnings: string[] = [];
    const target = parse('host=h user=u', { PGPASSFILE: open }, { warn: (message) => warnings.push(message) });
    expect([await passwordOf(target), await passwordOf(target)]).toEqual([undefined, undefined]);
    expect(warnings).toEqual([
      `The password file ${open} can be read by others and is not used. To use it: chmod 600 ${open}`,
    ]);
  });
});

describe('what cannot be read', () => {
  it.each([
    ['host=h sslmod=require', 'There is no connection parameter "sslmod".', 'Did you mean sslmode?'],
    ['postgresql://h/?sslmode=strict', 'parameter sslmode has an unknown value', 'verify-ca, verify-full'],
    ['postgresql://h/?__proto__=x', 'There is no connection parameter "__proto__"', 'libpq'],
    ['postgresql://h:99999/', 'not a number from 1 to 65535', 'host:5432'],
    ['host=a,b port=1,2,3 user=u', '2 hosts and 3 ports', 'one for each'],
    ['host=a,b hostaddr=192.0.2.1 user=u', '2 hosts and 1 in hostaddr', 'as many'],
    ['host=h connect_timeout=soon', 'connect_timeout is not', 'connect_timeout=10'],
    ['postgresql://h/?application_name', 'name=value', '%3D'],
    ['postgresql://h/%zz', 'a % that encodes no character', '%25'],
    ['postgresql://h/%00', 'parameter dbname holds a zero byte', ''],
    ['postgresql://[::1/', 'A host of the connection URL', '[::1]:5432'],
    ['mysql://u@h/d', 'not a URL of PostgreSQL', 'postgresql://'],
    ["host='h", 'The connection string cannot be read', 'single quotes'],
    ['shop', 'The connection string cannot be read', 'name=value'],
    ['host=h require_auth=scram-sha-256', 'require_auth is set to what Howdah cannot do', 'verify-full'],
  ])('%s is refused', (source, message, hint) => {
    const failure = failureOf(source);
    expect(failure.code).toBe('CONFIG_INVALID');
    expect(failure.message).toContain(message);
    expect(failure.hint ?? '').toContain(hint);
  });

  it('is named by its variable when it comes from the environment', () => {
    expect(failureOf('host=h', { PGSSLMODE: 'strict' }).message).toContain('PGSSLMODE');
  });

  it.each([
    'postgresql://u:seCret/seCret@h/d',
    'postgresql://u:seCret@seCret@h/d',
    'postgresql://u:seCret%seCret@h/d',
    'postgresql://u:seCret#seCret@h:seCret/d',
    'host=h password=seCret seCret user=u',
    'host=h password=seCret seCret=seCret',
    "host=h password='seCret'seCret",
    'password=seCret port=seCret host=h',
    'postgresql://u:seCret@h/d?sslmode=seCret',
    'redis://u:seCret@h',
  ])('does not show the password of %s', (source) => {
    const failure = failureOf(source);
    expect(`${inspect(failure)}${JSON.stringify(failure)}`).not.toContain('seCret');
  });
});
