import { Readable, Writable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { runCli } from './cli.ts';

async function sqlCheck(args: readonly string[], input: string | Buffer = '') {
  const written = { out: '', err: '' };
  const sink = (name: 'out' | 'err') =>
    new Writable({
      write: (chunk: Buffer, _, done) => {
        written[name] += chunk.toString();
        done();
      },
    });
  const code = await runCli({
    args: ['sql', 'check', ...args],
    env: {},
    stdin: Readable.from(input.length === 0 ? [] : [Buffer.from(input)]),
    stdout: sink('out'),
    stderr: sink('err'),
    signal: new AbortController().signal,
    interrupted: () => undefined,
  });
  return { code, ...written, lines: written.out.split('\n').slice(0, -1) };
}

const verdicts = (lines: readonly string[]) =>
  lines.map((line) => (JSON.parse(line) as { verdict: string; rule: string | null }).rule ?? 'allow');

describe('howdah sql check', () => {
  it('needs no configuration, and says by its exit code what the verdict is', async () => {
    const allowed = await sqlCheck(['SELECT 1;']);
    expect(allowed).toMatchObject({ code: 0, out: 'allow  select\n' });
    const refused = await sqlCheck(['SELECT é, pg_sleep(1)']);
    expect(refused.code).toBe(3);
    expect(refused.out).toMatch(
      /^deny {2}function\/not-allowed\n {2}The function pg_sleep .* \(at character 11\)\n {2}hint: /,
    );
  });

  it('reads the statement from standard input', async () => {
    expect((await sqlCheck([], 'SELECT now()\n')).code).toBe(0);
    expect((await sqlCheck([], 'DROP TABLE t\n')).code).toBe(3);
  });

  it('prints exactly one line of JSON for each line, in order, also for what is no statement', async () => {
    const input = [
      '{"sql":"SELECT 1"}',
      'not json',
      '',
      '[]',
      '{"sql":7}',
      '{"sql":"DROP TABLE t"}',
      '{"sql":"SELECT 2"}\r',
    ];
    const { code, lines } = await sqlCheck(['--json'], input.join('\n'));
    expect(code).toBe(0);
    const malformed = 'input/malformed';
    expect(verdicts(lines)).toEqual(['allow', malformed, malformed, malformed, malformed, 'statement/kind', 'allow']);
    for (const line of lines) expect(Object.keys(JSON.parse(line) as object)).toEqual(['verdict', 'rule', 'reason']);
  });

  it('does not take U+2028 for the end of a line, refuses what is no UTF-8, and keeps no long line', async () => {
    const separator = `{"sql":"SELECT '\u2028'"}\n`;
    const broken = Buffer.concat([Buffer.from('{"sql":"SELECT \''), Buffer.from([0xff]), Buffer.from('\'"}\n')]);
    const long = `{"sql":"${' '.repeat(2 << 20)}SELECT 1"}\n`;
    const input = Buffer.concat([Buffer.from(separator), broken, Buffer.from(long), Buffer.from('{"sql":"SELECT 1"}')]);
    const { lines } = await sqlCheck(['--json'], input);
    expect(verdicts(lines)).toEqual(['allow', 'input/malformed', 'input/malformed', 'allow']);
  });

  it('prints nothing for no lines', async () => {
    expect(await sqlCheck(['--json'])).toMatchObject({ code: 0, out: '' });
  });

  it('knows the personas of the configuration, and refuses one that is not there', async () => {
    expect((await sqlCheck(['--persona', 'nobody', 'SELECT 1'])).code).toBe(2);
  });
});
