import { Readable, Writable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { runCli } from './cli.ts';
import { commands } from './commands.ts';

/** Runs a command line that needs no PostgreSQL. */
async function run(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const [stdout, stderr] = [collect(), collect()];
  const signal = new AbortController().signal;
  const code = await runCli({
    args,
    env,
    stdin: Readable.from([]),
    stdout: stdout.stream,
    stderr: stderr.stream,
    signal,
    interrupted: () => undefined,
  });
  return { code, stdout: stdout.text(), stderr: stderr.text() };
}

function collect() {
  const chunks: Buffer[] = [];
  const stream = new Writable({
    write: (chunk: Buffer, _, done) => {
      chunks.push(chunk);
      done();
    },
  });
  return { stream, text: () => Buffer.concat(chunks).toString() };
}

describe('the command line', () => {
  it('shows every command on one line each', async () => {
    const { code, stdout } = await run(['--help']);
    expect(code).toBe(0);
    for (const { name, summary } of commands) {
      expect(stdout.split('\n').filter((line) => line.startsWith(`  ${name}`) && line.endsWith(summary))).toHaveLength(
        1,
      );
    }
    expect(stdout.split('\n').filter((line) => line.length > 110)).toEqual([]);
  });

  it.each([[[]], [['help']], [['--help']], [['-h']]])('shows the overview for %j', async (args) => {
    const { code, stdout, stderr } = await run(args);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/^howdah gives AI assistants governed access to PostgreSQL\.\n\nUsage {2}howdah <command>/);
  });

  it.each([...commands].map(({ name, summary }) => [name, summary]))(
    '%s --help says what it does',
    async (name, summary) => {
      const words = name.split(' ');
      const { code, stdout } = await run([...words, '--help']);
      expect(code).toBe(0);
      expect(stdout).toMatch(
        new RegExp(`^${summary.replaceAll(/[()?[\]]/g, String.raw`\$&`)}\\.\n\nUsage  howdah ${name}`),
      );
      expect(stdout.split('\n').filter((line) => line.length > 125)).toEqual([]);
      expect((await run(['help', ...words])).stdout).toBe(stdout);
    },
  );

  it('prints its version', async () => {
    expect(await run(['--version'])).toEqual({
      code: 0,
      stdout: expect.stringMatching(/^howdah \d+\.\d+\.\d+\n$/),
      stderr: '',
    });
  });

  it.each([
    [['chek'], 'There is no command "chek".', 'Did you mean "howdah check"?'],
    [['audit', 'tali'], 'There is no command "audit tali".', 'Did you mean "howdah audit tail"?'],
    [['frobnicate'], 'There is no command "frobnicate".', 'howdah --help lists the commands.'],
    [['check', '--al'], 'There is no option "--al".', 'Did you mean --all?'],
    [['--jsn'], 'There is no option "--jsn".', 'Did you mean --json?'],
    [['call'], 'howdah call needs <tool>.', 'See howdah call --help.'],
    [['connect', 'cursr'], 'No client is named "cursr".', 'Did you mean "cursor"?'],
  ])('refuses %j with exit code 2', async (args, error, hint) => {
    expect(await run(args)).toEqual({ code: 2, stdout: '', stderr: `error: ${error}\nhint: ${hint}\n` });
  });

  it('shows what there is below a word that is no command by itself', async () => {
    const { code, stdout, stderr } = await run(['audit']);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain('  audit verify     Check that the audit log is whole');
    expect((await run(['audit', '--help'])).code).toBe(0);
  });

  it('gives programs the error on standard output', async () => {
    const { code, stdout } = await run(['connect', 'nobody', '--json']);
    expect(code).toBe(2);
    expect(JSON.parse(stdout)).toMatchObject({
      error: { code: 'INVALID_INPUT', message: 'No client is named "nobody".' },
    });
  });

  it('colours only when asked or on a terminal', async () => {
    expect((await run(['--help'], { FORCE_COLOR: '1' })).stdout).toContain('\u001b[1mLook\u001b[0m');
    expect((await run(['--help'])).stdout).not.toContain('\u001b');
    expect((await run(['--help'], { FORCE_COLOR: '0' })).stdout).not.toContain('\u001b');
    expect((await run(['--help', '--no-color'], { FORCE_COLOR: '1' })).stdout).not.toContain('\u001b');
  });
});
