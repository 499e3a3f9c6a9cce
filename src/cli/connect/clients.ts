import { join, posix } from 'node:path';
import type { Environment } from '../shell.ts';

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

/** An MCP client: the file that lists its servers, and how an entry is written there. */
export interface McpClient {
  readonly name: string;
  readonly title: string;
  readonly format: 'json' | 'toml';
  /** The object of that file that holds the servers by name. */
  readonly key: string;
  file(place: Place): string;
  readonly entry?: (launch: Launch) => Readonly<Record<string, unknown>>;
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
    next: 'Quit Claude Desktop and start it again.',
  },
  {
    // https://code.claude.com/docs/en/mcp
    name: 'claude-code',
    title: 'Claude Code',
    format: 'json',
    key: 'mcpServers',
    file: ({ directory }) => join(directory, '.mcp.json'),
    next: 'Start claude in this directory. The file names paths of this machine: think before you commit it.',
  },
  {
    // https://cursor.com/docs/context/mcp
    name: 'cursor',
    title: 'Cursor',
    format: 'json',
    key: 'mcpServers',
    file: ({ home }) => join(home, '.cursor', 'mcp.json'),
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
    next: 'Run "MCP: List Servers" and start howdah.',
  },
  {
    // https://developers.openai.com/codex/mcp
    name: 'codex',
    title: 'Codex',
    format: 'toml',
    key: 'mcp_servers',
    file: ({ env, home }) => join(env['CODEX_HOME'] || join(home, '.codex'), 'config.toml'),
    next: 'Start codex again.',
  },
  {
    // https://geminicli.com/docs/tools/mcp-server
    name: 'gemini',
    title: 'Gemini CLI',
    format: 'json',
    key: 'mcpServers',
    file: ({ home }) => join(home, '.gemini', 'settings.json'),
    next: 'Start gemini again.',
  },
  {
    // https://docs.windsurf.com/windsurf/cascade/mcp
    name: 'windsurf',
    title: 'Windsurf',
    format: 'json',
    key: 'mcpServers',
    file: ({ home }) => join(home, '.codeium', 'windsurf', 'mcp_config.json'),
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
    next: 'Zed starts it at once; the agent panel shows it.',
  },
];

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
