import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { PlatformError } from '../core/errors.ts';
import { Secret } from '../core/secret.ts';
import { createLogger, type LogLevel } from './logger.ts';

function capture(level: LogLevel, isTerminal = false) {
  const lines: string[] = [];
  const logger = createLogger(level, { isTerminal, write: (line) => lines.push(line) });
  return { logger, lines, last: () => JSON.parse(lines.at(-1) ?? '') as Record<string, unknown> };
}

it('writes one line of JSON with level, time, fields and message', () => {
  const { logger, lines, last } = capture('warn');
  logger.warn({ server: 'shop', rows: 3 }, 'something is odd');
  expect(last()).toEqual({
    level: 'warn',
    time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
    server: 'shop',
    rows: 3,
    message: 'something is odd',
  });
  expect(lines[0]).toMatch(/^[^\n]+\n$/);
});

it.each<[LogLevel, LogLevel[]]>([
  ['debug', ['debug', 'info', 'warn', 'error']],
  ['warn', ['warn', 'error']],
  ['error', ['error']],
])('logs from the level %s on', (level, expected) => {
  const { logger, lines } = capture(level);
  for (const each of ['debug', 'info', 'warn', 'error'] as const) logger[each]({}, each);
  expect(lines.map((line) => (JSON.parse(line) as { level: string }).level)).toEqual(expected);
});

it('gives a child its fields on every line', () => {
  const { logger, last } = capture('info');
  logger.child({ call_id: 'c1', token: 'opensesame' }).child({ server: 'shop' }).info({ rows: 1 }, 'done');
  expect(last()).toMatchObject({ call_id: 'c1', token: '[redacted]', server: 'shop', rows: 1 });
});

const failure = new PlatformError('SERVER_UNREACHABLE', 'No connection.', {
  hint: 'Start it.',
  details: { server: 'shop' },
  cause: Object.assign(new Error('connect to postgresql://app:opensesame@db/shop failed'), {
    code: 'ECONNREFUSED',
    detail: 'Key (email)=(ada@example.org) exists.',
  }),
});

it('tells what an error is and what caused it, without stacks, secrets and the details of a driver', () => {
  const { logger, last } = capture('info');
  logger.error({ err: failure }, 'failed');
  expect(last()['err']).toEqual({
    type: 'PlatformError',
    code: 'SERVER_UNREACHABLE',
    message: 'No connection.',
    hint: 'Start it.',
    details: { server: 'shop' },
    cause: { type: 'Error', code: 'ECONNREFUSED', message: 'connect to postgresql://app:[redacted]@db/shop failed' },
  });
});

it('adds stacks at the level debug, still without secrets', () => {
  const { logger, lines, last } = capture('debug');
  logger.error({ err: failure }, 'failed');
  expect(last()['err']).toMatchObject({
    stack: expect.stringContaining('logger.test.ts'),
    cause: { stack: expect.any(String) },
  });
  expect(lines[0]).not.toContain('opensesame');
});

it('tells of each error behind an AggregateError, and survives an error that causes itself', () => {
  const { logger, last } = capture('info');
  const error = new AggregateError([new Error('first'), new Error('second')], '');
  error.cause = error;
  logger.error({ err: error }, 'failed');
  expect(last()['err']).toMatchObject({ errors: [{ message: 'first' }, { message: 'second' }] });
});

it.each([
  { password: 'opensesame' },
  { config: { servers: [{ Password: 'opensesame' }] } },
  { headers: { authorization: 'Bearer opensesame', 'set-cookie': ['opensesame'] } },
  { url: 'postgresql://app:opensesame@db/shop', DATABASE_URL: 'opensesame' },
  { secret: new Secret('opensesame'), value: new Secret('opensesame') },
  { text: "postgresql://app:open@sesame@db/shop and password=opensesame, PASSWORD 'opensesame'" },
  { text: '{"client_secret": "opensesame"} Authorization: opensesame' },
  { text: 'Bearer opensesame.opensesame' },
])('shows no secret of %j', (fields) => {
  const { logger, lines } = capture('info');
  logger.info(fields, `tried password=opensesame`);
  expect(lines).toHaveLength(1);
  expect(lines[0]).not.toContain('sesame');
});

it('shows what only looks like a secret', () => {
  const { logger, last } = capture('info');
  const fields = { output_tokens: 12, text: 'password authentication failed for user "app"' };
  logger.info(fields, 'm');
  expect(last()).toMatchObject(fields);
});

it('bounds what it is given, however hostile', () => {
  const { logger, lines } = capture('info');
  const circular: Record<string, unknown> = {};
  circular['self'] = [circular, circular];
  const start = performance.now();
  logger.info(
    { circular, long: 'password='.repeat(100_000), urls: '://'.repeat(100_000), n: 10n ** 30n },
    'a'.repeat(1_000_000),
  );
  expect(performance.now() - start).toBeLessThan(5000);
  expect(lines[0]?.length).toBeLessThan(50_000);
});

it('does not fail on what cannot be read', () => {
  const { logger, last } = capture('info');
  const hostile = {
    get trap(): string {
      throw new Error('caught');
    },
  };
  logger.info({ hostile }, 'm');
  expect(last()).toMatchObject({ fields: '[unreadable]', message: 'm' });
});

it('writes short lines for a terminal, which nothing that is logged can break or colour', () => {
  const { logger, lines } = capture('info', true);
  logger.warn({ server: 'shop', reason: 'two words', n: 1, list: ['a'] }, 'line\n\u001B[31mred\u202E');
  expect(lines[0]).toMatch(
    /^\d\d:\d\d:\d\d warn {2}line\\u\{a\}\\u\{1b\}\[31mred\\u\{202e\} server=shop reason="two words" n=1 list=\["a"\]\n$/,
  );
});

it('has written to standard error, and nowhere else, when the process is killed right after', () => {
  const module = fileURLToPath(new URL('./logger.ts', import.meta.url));
  const program = `import { createLogger } from ${JSON.stringify(module)};
    const logger = createLogger('warn');
    for (let n = 1; n <= 100; n++) logger.error({ n }, 'last words');
    process.kill(process.pid, 'SIGKILL');`;
  const child = spawnSync(process.execPath, ['--import', 'tsx', '--input-type=module', '--eval', program], {
    encoding: 'utf8',
  });
  expect(child.signal).toBe('SIGKILL');
  expect(child.stdout).toBe('');
  const lines = child.stderr.trimEnd().split('\n');
  expect(lines).toHaveLength(100);
  expect(JSON.parse(lines.at(-1) ?? '')).toMatchObject({ level: 'error', n: 100, message: 'last words' });
});
