import { describe, expect, it } from 'vitest';
import { CLIENTS, type McpClient } from './clients.ts';
import { mergeSnippet, renderSnippet } from './snippet.ts';

const launch = {
  command: '/usr/bin/node',
  args: ['/opt/howdah/dist/main.js', 'stdio'],
  env: { DATABASE_URL: 'PLACEHOLDER' },
};
const withFile = {
  command: '/usr/bin/node',
  args: ['/opt/howdah/dist/main.js', 'stdio', '--config', '/etc/howdah.yaml'],
};

function client(name: string): McpClient {
  const found = CLIENTS.find((candidate) => candidate.name === name);
  if (!found) throw new Error(name);
  return found;
}

describe('the entry of an MCP client', () => {
  it.each([
    ['claude-desktop', 'darwin', '/home/a/Library/Application Support/Claude/claude_desktop_config.json'],
    ['claude-desktop', 'linux', '/home/a/.config/Claude/claude_desktop_config.json'],
    ['claude-code', 'linux', '/projects/shop/.mcp.json'],
    ['cursor', 'linux', '/home/a/.cursor/mcp.json'],
    ['vscode', 'darwin', '/home/a/Library/Application Support/Code/User/mcp.json'],
    ['vscode', 'linux', '/home/a/.config/Code/User/mcp.json'],
    ['codex', 'linux', '/home/a/.codex/config.toml'],
    ['gemini', 'linux', '/home/a/.gemini/settings.json'],
    ['windsurf', 'linux', '/home/a/.codeium/windsurf/mcp_config.json'],
    ['zed', 'darwin', '/home/a/.config/zed/settings.json'],
    ['zed', 'linux', '/home/a/.config/zed/settings.json'],
  ] as const)('of %s on %s is in %s', (name, platform, file) => {
    expect(client(name).file({ platform, env: {}, home: '/home/a', directory: '/projects/shop' })).toBe(file);
  });

  it('has the form that the client documents', () => {
    expect(JSON.parse(renderSnippet(client('cursor'), launch))).toEqual({ mcpServers: { howdah: launch } });
    expect(JSON.parse(renderSnippet(client('vscode'), launch))).toEqual({
      servers: { howdah: { type: 'stdio', ...launch } },
    });
    expect(JSON.parse(renderSnippet(client('zed'), launch))).toEqual({
      context_servers: { howdah: { source: 'custom', ...launch } },
    });
    expect(renderSnippet(client('codex'), launch)).toBe(
      [
        '[mcp_servers.howdah]',
        'command = "/usr/bin/node"',
        'args = ["/opt/howdah/dist/main.js","stdio"]',
        '',
        '[mcp_servers.howdah.env]',
        'DATABASE_URL = "PLACEHOLDER"',
      ].join('\n'),
    );
  });
});

describe('merging into a file of JSON', () => {
  it('keeps everything else, its order and its indentation', () => {
    const old =
      '{\n    "theme": "dark",\n    "mcpServers": {\n        "other": { "command": "x" }\n    },\n    "z": [1, 2]\n}';
    const merged = mergeSnippet(client('cursor'), withFile, old);
    expect(merged).toMatch(/^\{\n {4}"theme": "dark",\n/);
    expect(Object.keys(JSON.parse(merged))).toEqual(['theme', 'mcpServers', 'z']);
    expect(JSON.parse(merged)).toEqual({
      theme: 'dark',
      mcpServers: { other: { command: 'x' }, howdah: withFile },
      z: [1, 2],
    });
  });

  it('starts a file that is empty or has a byte order mark', () => {
    expect(JSON.parse(mergeSnippet(client('cursor'), launch, ''))).toEqual({ mcpServers: { howdah: launch } });
    expect(JSON.parse(mergeSnippet(client('cursor'), launch, '\uFEFF{"a":1}'))).toMatchObject({ a: 1 });
  });

  it('changes nothing the second time', () => {
    const once = mergeSnippet(client('cursor'), launch, '{"a":1}');
    expect(mergeSnippet(client('cursor'), launch, once)).toBe(once);
  });

  it('keeps the connection URL that somebody wrote in the place of the placeholder', () => {
    const old = JSON.stringify({ mcpServers: { howdah: { command: 'old', args: [], env: { DATABASE_URL: 'mine' } } } });
    expect(JSON.parse(mergeSnippet(client('cursor'), launch, old))).toEqual({
      mcpServers: { howdah: { ...launch, env: { DATABASE_URL: 'mine' } } },
    });
    expect(JSON.parse(mergeSnippet(client('cursor'), withFile, old))).toEqual({ mcpServers: { howdah: withFile } });
  });

  it.each([
    ['{ // comment\n "a": 1 }', 'is not valid JSON'],
    ['{"a":1,}', 'is not valid JSON'],
    ['[]', 'holds no object'],
    ['{"mcpServers":[]}', 'has a "mcpServers" that is no object'],
  ])('refuses %j', (old, problem) => {
    expect(() => mergeSnippet(client('cursor'), launch, old)).toThrow(
      `The configuration of Cursor ${problem}; it was left as it is.`,
    );
  });
});

describe('merging into a file of TOML', () => {
  const old = [
    '# mine',
    'model = "o"   # keep',
    '',
    '[mcp_servers.other]',
    'command = "x"',
    '',
    '[mcp_servers.howdah]',
    'command = "old"',
    '',
    '[mcp_servers.howdah.env]',
    'DATABASE_URL = "mine"',
    '',
    '[tui]',
    'a = """',
    '[mcp_servers.howdah]',
    '"""',
    '',
  ].join('\n');

  it('keeps comments and layout, and replaces what Howdah wrote before', () => {
    const simple = old.slice(0, old.indexOf('a = """'));
    expect(mergeSnippet(client('codex'), launch, simple)).toBe(
      [
        '# mine',
        'model = "o"   # keep',
        '',
        '[mcp_servers.other]',
        'command = "x"',
        '',
        '[tui]',
        '',
        '[mcp_servers.howdah]',
        'command = "/usr/bin/node"',
        'args = ["/opt/howdah/dist/main.js","stdio"]',
        '',
        '[mcp_servers.howdah.env]',
        'DATABASE_URL = "mine"',
        '',
      ].join('\n'),
    );
  });

  it.each([
    ['a text that looks like a table of ours', old],
    ['an inline table of ours', 'mcp_servers = { howdah = { command = "x" } }\n'],
  ])('refuses %s rather than guess', (_, text) => {
    expect(() => mergeSnippet(client('codex'), launch, text)).toThrow('it was left as it is');
  });

  it('refuses a file that does not parse', () => {
    expect(() => mergeSnippet(client('codex'), launch, 'a = "\n')).toThrow('is not valid TOML');
  });

  it('starts an empty file', () => {
    expect(mergeSnippet(client('codex'), withFile, '')).toBe(
      '[mcp_servers.howdah]\ncommand = "/usr/bin/node"\nargs = ["/opt/howdah/dist/main.js","stdio","--config","/etc/howdah.yaml"]\n',
    );
  });
});
