import { join, posix } from 'node:path';
import type { Environment } from '../shell.ts';
import { isExposed, KEY_PLACEHOLDER, type Remote } from './remote.ts';

/** Where a client's files are looked for. */
export interface Place {
  readonly platform: NodeJS.Platform;
  readonly env: Environment;
  readonly home: string;
  readonly directory: string;
}

/** How a client starts a server over stdio. */
export interface Launch {
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

type Entry = Readonly<Record<string, unknown>>;

/** An MCP client: the file that lists its servers, and how an entry is written there. */
export interface McpClient {
  readonly name: string;
  readonly title: string;
  readonly format: 'json' | 'toml';
  /** The object of that file that holds the servers by name. */
  readonly key: string;
  file(place: Place): string;
  readonly entry?: (launch: Launch) => Entry;
  readonly remote: (remote: Remote) => Entry;
  /** What to do after the file was written. */
  readonly next: string;
}

export const CLIENTS: readonly McpClient[] = [
  {
    // https://modelcontextprotocol.io/docs/develop/connect-local-servers
    name: 'claude-desktop',
    title: 'Claude Desktop',
    format: 'json',
    key: 'mcpServers',
    file: (place) => join(applicationData(place), 'Claude', 'claude_desktop_config.json'),
    remote: throughProxy,
    next: 'Quit Claude Desktop and start it again.',
  },
  {
    // https://code.claude.com/docs/en/mcp
    name: 'claude-code',
    title: 'Claude Code',
    format: 'json',
    key: 'mcpServers',
    file: ({ directory }) => join(directory, '.mcp.json'),
    remote: (remote) => ({ type: 'http', url: remote.url, headers: authorize(remote, (name) => `\${${name}}`) }),
    next: 'Start claude in this directory. The file names paths of this machine: think before you commit it.',
  },
  {
    // https://cursor.com/docs/context/mcp
    name: 'cursor',
    title: 'Cursor',
    format: 'json',
    key: 'mcpServers',
    file: ({ home }) => join(home, '.cursor', 'mcp.json'),
    remote: (remote) => ({ url: remote.url, headers: authorize(remote, (name) => `\${env:${name}}`) }),
    next: 'Switch it on in Cursor Settings, under MCP.',
  },
  {
    // https://code.visualstudio.com/docs/copilot/reference/mcp-configuration
    name: 'vscode',
    title: 'VS Code',
    format: 'json',
    key: 'servers',
    file: (place) => join(applicationData(place), 'Code', 'User', 'mcp.json'),
    entry: (launch) => ({ type: 'stdio', ...launch }),
    remote: (remote) => ({ type: 'http', url: remote.url, headers: authorize(remote, (name) => `\${env:${name}}`) }),
    next: 'Run "MCP: List Servers" and start howdah.',
  },
  {
    // https://developers.openai.com/codex/mcp
    name: 'codex',
    title: 'Codex',
    format: 'toml',
    key: 'mcp_servers',
    file: ({ env, home }) => join(env['CODEX_HOME'] || join(home, '.codex'), 'config.toml'),
    // it takes a key from nowhere else
    remote: ({ url, keyVariable = 'HOWDAH_KEY' }) => ({ url, bearer_token_env_var: keyVariable }),
    next: 'Start codex again.',
  },
  {
    // https://geminicli.com/docs/tools/mcp-server
    name: 'gemini',
    title: 'Gemini CLI',
    format: 'json',
    key: 'mcpServers',
    file: ({ home }) => join(home, '.gemini', 'settings.json'),
    remote: (remote) => ({ httpUrl: remote.url, headers: authorize(remote, (name) => `$${name}`) }),
    next: 'Start gemini again.',
  },
  {
    // https://docs.windsurf.com/windsurf/cascade/mcp
    name: 'windsurf',
    title: 'Windsurf',
    format: 'json',
    key: 'mcpServers',
    file: ({ home }) => join(home, '.codeium', 'windsurf', 'mcp_config.json'),
    remote: (remote) => ({ serverUrl: remote.url, headers: authorize(remote, (name) => `\${env:${name}}`) }),
    next: 'Press refresh in the MCP panel of Cascade.',
  },
  {
    // https://zed.dev/docs/ai/mcp
    name: 'zed',
    title: 'Zed',
    format: 'json',
    key: 'context_servers',
    file: zedSettings,
    entry: (launch) => ({ source: 'custom', ...launch }),
    remote: ({ url }) => ({ url, headers: authorize({ keyVariable: undefined }) }),
    next: 'Zed starts it at once; the agent panel shows it.',
  },
];

/** `refer` is how the client names an environment variable; without it the user fills the key in. */
function authorize({ keyVariable }: Pick<Remote, 'keyVariable'>, refer?: (name: string) => string): Entry {
  const key = keyVariable === undefined || refer === undefined ? KEY_PLACEHOLDER : refer(keyVariable);
  return { Authorization: `Bearer ${key}` };
}

/** For a client that knows no headers: https://github.com/geelen/mcp-remote, whose README says why no space follows the colon. */
function throughProxy(remote: Remote): Entry {
  const allowed = isExposed(remote) ? ['--allow-http'] : [];
  return {
    command: 'npx',
    args: ['-y', 'mcp-remote', remote.url, '--header', 'Authorization:${AUTHORIZATION}', ...allowed],
    env: { AUTHORIZATION: `Bearer ${KEY_PLACEHOLDER}` },
  };
}

/** The directory for application data, as Electron has it. */
function applicationData({ platform, env, home }: Place): string {
  if (platform === 'darwin') return join(home, 'Library', 'Application Support');
  if (platform === 'win32') return env['APPDATA'] || join(home, 'AppData', 'Roaming');
  return env['XDG_CONFIG_HOME'] || posix.join(home, '.config');
}

/** https://zed.dev/docs/configuring-zed: not with the application data on macOS. */
function zedSettings(place: Place): string {
  const { platform, home } = place;
  if (platform === 'darwin') return join(home, '.config', 'zed', 'settings.json');
  return join(applicationData(place), platform === 'win32' ? 'Zed' : 'zed', 'settings.json');
}
