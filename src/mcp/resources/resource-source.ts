import type { CallContext } from '../../calls/context.ts';
import type { ResourceContents } from '../../contract/content.ts';
import { PlatformError } from '../../core/errors.ts';
import type { CompiledPersona } from '../../policy/policy.ts';
import type { UriValues } from '../resource-uri.ts';

/** Resources of one kind: their addresses share a form, and are read by one operation. */
export interface ResourceSource {
  /** Names the operation `resources/read/<name>`, and the template where the form has variables. */
  readonly name: string;
  /** One address, or a template of many: `pg://{server}/{database}/{schema}/{table}`. */
  readonly uri: string;
  readonly title: string;
  readonly description: string;
  readonly mimeType: string;
  /** `server`: among the variables are `server` and `database`, and the pipeline authorises them. */
  readonly reaches: 'server' | 'nothing';
  /** The operations whose answers these are, for these values; who may not call one of them may not read. */
  actsAs(values: UriValues): readonly string[];
  /** Whether the address or template is shown to a persona. */
  isOffered(persona: CompiledPersona): boolean;
  /** The addresses that a persona may read, where the form has variables and they can be listed. */
  list?(persona: CompiledPersona): readonly ResourceEntry[];
  /** How many more addresses there are that `list` leaves out for a persona. */
  withheld?(persona: CompiledPersona): number;
  /** Fails with NOT_FOUND when nothing is there. */
  read(values: UriValues, context: CallContext & { readonly uri: string }): Promise<readonly ResourceContents[]>;
}

/** A resource as `resources/list` shows it. */
export interface ResourceEntry {
  readonly uri: string;
  readonly name: string;
  readonly title: string;
  readonly description?: string;
  readonly mimeType: string;
}

export function noSuchResource(): PlatformError {
  return new PlatformError('NOT_FOUND', 'There is no such resource.', {
    hint: 'List the resources and their templates; each part of an address is percent-encoded.',
  });
}
