import type { Result, ServerCapabilities } from '@modelcontextprotocol/server';
import type { Catalog } from '../../calls/catalog.ts';
import { isRecord } from '../../core/record.ts';
import { capabilitiesOf, listeningCapabilitiesOf, type Identity } from '../identity.ts';
import { LEGACY_VERSIONS, MODERN_VERSIONS } from '../protocol-versions.ts';

/** What a client said of itself in `initialize`, and the version that it is answered in. */
export interface Handshake {
  readonly client: unknown;
  readonly protocolVersion: string | undefined;
}

/** Undefined for parameters that are not those of `initialize`. A version that is not known gets the newest. */
export function readHandshake(params: Readonly<Record<string, unknown>>): Handshake | undefined {
  const { protocolVersion: requested, capabilities, clientInfo: client } = params;
  if (typeof requested !== 'string' || !isRecord(capabilities) || !isRecord(client)) return undefined;
  if (typeof client['name'] !== 'string' || typeof client['version'] !== 'string') return undefined;
  return { client, protocolVersion: LEGACY_VERSIONS.includes(requested) ? requested : LEGACY_VERSIONS[0] };
}

/** What this server says of itself, whoever asks. */
export interface Offer {
  readonly identity: Identity;
  readonly legacy: ServerCapabilities;
  readonly modern: ServerCapabilities;
}

export function offerOf(identity: Identity, catalog: Catalog): Offer {
  return { identity, legacy: capabilitiesOf(catalog), modern: listeningCapabilitiesOf(catalog) };
}

/** What an opening answers beside the instructions; undefined for other methods. */
export function agreementOf(
  method: string,
  { identity, legacy, modern }: Offer,
  { protocolVersion }: Handshake,
): Result | undefined {
  if (method === 'server/discover') return { supportedVersions: MODERN_VERSIONS, capabilities: modern };
  if (method === 'initialize') return { protocolVersion, capabilities: legacy, serverInfo: identity };
  return undefined;
}
