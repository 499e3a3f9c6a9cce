import { PlatformError } from '../../core/errors.ts';

/** How a client reaches a server over HTTP. */
export interface Remote {
  readonly url: string;
  /** Name of the environment variable that holds the API key; undefined where the user fills it in. */
  readonly keyVariable: string | undefined;
}

/** In the place of an API key. */
export const KEY_PLACEHOLDER = 'YOUR_API_KEY';

/** The address of a running `howdah serve`, at `/mcp` unless it says otherwise. Fails with INVALID_INPUT, showing neither value. */
export function describeRemote({ url: text, keyVariable }: Remote): Remote {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !['http:', 'https:'].includes(url.protocol)) {
    throw new PlatformError('INVALID_INPUT', '--url is no address of a server.', {
      hint: 'Write it as howdah serve printed it, such as http://127.0.0.1:7432/mcp.',
    });
  }
  if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '') {
    throw new PlatformError('INVALID_INPUT', '--url holds more than an address.', {
      hint: 'A key goes into a header, never into the address; leave out user, password, query and fragment.',
    });
  }
  if (keyVariable !== undefined && !/^[A-Za-z_][A-Za-z0-9_]{0,62}$/.test(keyVariable)) {
    throw new PlatformError('INVALID_INPUT', '--key-env is no name of an environment variable.', {
      hint: 'It takes the name, such as HOWDAH_KEY, never the key itself.',
    });
  }
  if (url.pathname === '/') url.pathname = '/mcp';
  return { url: url.href, keyVariable };
}

/** Whether the key would be readable on its way. */
export function isExposed({ url }: Remote): boolean {
  const { protocol, hostname } = new URL(url);
  return protocol === 'http:' && !['127.0.0.1', '[::1]', 'localhost'].includes(hostname);
}
