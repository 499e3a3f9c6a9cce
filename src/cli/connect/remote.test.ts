import { describe, expect, it } from 'vitest';
import { CLIENTS } from './clients.ts';
import { describeRemote, isExposed } from './remote.ts';
import { mergeSnippet, renderSnippet } from './snippet.ts';

const URL = 'https://mcp.example.org/mcp';
const exposed = (url: string) => isExposed({ url, keyVariable: undefined });
const authorized = (key: string) => ({ Authorization: `Bearer ${key}` });
const clientNamed = (name: string) => CLIENTS.find((client) => client.name === name) ?? expect.fail(name);

describe('the address of a server', () => {
  it.each([
    ['http://127.0.0.1:7432', 'http://127.0.0.1:7432/mcp'],
    ['https://mcp.example.org/', URL],
    ['https://example.org/pg/mcp', 'https://example.org/pg/mcp'],
    ['http://[::1]:7432/mcp', 'http://[::1]:7432/mcp'],
  ])('%s is %s', (text, url) => {
    expect(describeRemote({ url: text, keyVariable: undefined })).toEqual({ url, keyVariable: undefined });
  });

  it.each(['127.0.0.1:7432', 'ftp://example.org', '', 'https://', 'javascript:alert(1)'])('is not %j', (url) => {
    expect(() => describeRemote({ url, keyVariable: undefined })).toThrow('--url is no address of a server.');
  });

  it.each(['https://u:opensesame@h/mcp', 'https://h/mcp?api_key=opensesame', 'https://h/mcp#opensesame'])(
    'holds no credential, and none is shown: %s',
    (url) => {
      expect(() => describeRemote({ url, keyVariable: undefined })).toThrow(/^--url holds more than an address\.$/);
    },
  );

  it('is exposed where it is beyond this machine without encryption', () => {
    expect(['http://10.0.0.1/mcp', 'http://shop.example.org/mcp'].map(exposed)).toEqual([true, true]);
    expect([URL, 'http://127.0.0.1:1/mcp', 'http://[::1]:1/mcp', 'http://localhost/mcp'].map(exposed)).toEqual([
      false,
      false,
      false,
      false,
    ]);
  });
});

it.each(['hdh_abc', 'MY-KEY', '1KEY', ''].map((name) => (name === 'hdh_abc' ? `${name} x` : name)))(
  'refuses %j as the name of a variable, without showing it',
  (keyVariable) => {
    expect(() => describeRemote({ url: URL, keyVariable })).toThrow(
      /^--key-env is no name of an environment variable\.$/,
    );
  },
);

describe('the entry of a client over HTTP', () => {
  it.each([
    ['claude-code', { mcpServers: { howdah: { type: 'http', url: URL, headers: authorized('${K}') } } }],
    ['cursor', { mcpServers: { howdah: { url: URL, headers: authorized('${env:K}') } } }],
    ['vscode', { servers: { howdah: { type: 'http', url: URL, headers: authorized('${env:K}') } } }],
    ['gemini', { mcpServers: { howdah: { httpUrl: URL, headers: authorized('$K') } } }],
    ['windsurf', { mcpServers: { howdah: { serverUrl: URL, headers: authorized('${env:K}') } } }],
    ['zed', { context_servers: { howdah: { url: URL, headers: authorized('YOUR_API_KEY') } } }],
  ])('of %s names the variable as it documents', (name, expected) => {
    expect(JSON.parse(renderSnippet(clientNamed(name), { url: URL, keyVariable: 'K' }))).toEqual(expected);
  });

  it('of Codex names the variable in a key of its own', () => {
    const snippet = renderSnippet(clientNamed('codex'), { url: URL, keyVariable: 'K' });
    expect(snippet).toBe(`[mcp_servers.howdah]\nurl = "${URL}"\nbearer_token_env_var = "K"`);
  });

  it('of Claude Desktop goes through a program that adds the header, and plain HTTP is allowed where it must be', () => {
    const plain = 'http://10.0.0.1/mcp';
    const [safe, open] = [URL, plain].map(
      (url) => JSON.parse(renderSnippet(clientNamed('claude-desktop'), { url, keyVariable: undefined })) as unknown,
    );
    const args = ['-y', 'mcp-remote', URL, '--header', 'Authorization:${AUTHORIZATION}'];
    const env = { AUTHORIZATION: 'Bearer YOUR_API_KEY' };
    expect(safe).toEqual({ mcpServers: { howdah: { command: 'npx', args, env } } });
    expect(open).toMatchObject({ mcpServers: { howdah: { args: args.with(2, plain).concat('--allow-http') } } });
  });

  it.each(CLIENTS.map(({ name }) => name))('of %s has a placeholder by default', (name) => {
    const snippet = renderSnippet(clientNamed(name), { url: URL, keyVariable: undefined });
    expect(snippet).toContain(name === 'codex' ? '"HOWDAH_KEY"' : 'YOUR_API_KEY');
  });

  it('takes the place of the one that was there, with the key of another address', () => {
    const old = { mcpServers: { howdah: { url: 'https://old.example.org/mcp', headers: authorized('old') }, x: {} } };
    const merged = mergeSnippet(clientNamed('cursor'), { url: URL, keyVariable: undefined }, JSON.stringify(old));
    expect(JSON.parse(merged)).toEqual({
      mcpServers: { howdah: { url: URL, headers: authorized('YOUR_API_KEY') }, x: {} },
    });
  });

  it('takes the place of a launch in TOML', () => {
    const old = '[mcp_servers.howdah]\ncommand = "node"\n\n[mcp_servers.howdah.env]\nA = "b"\n\n[other]\nx = 1\n';
    expect(mergeSnippet(clientNamed('codex'), { url: URL, keyVariable: 'K' }, old)).toBe(
      `[other]\nx = 1\n\n[mcp_servers.howdah]\nurl = "${URL}"\nbearer_token_env_var = "K"\n`,
    );
  });
});
