import { executeCall, type CallOutcome } from '../calls/execute.ts';
import { PURPOSE } from '../calls/purpose.ts';
import { loadConfig } from '../config/load.ts';
import { isRecord } from '../core/record.ts';
import { localPrincipal } from '../identity/local-principal.ts';
import { createPlatform, type Platform } from '../platform.ts';
import type { CompiledPersona } from '../policy/policy.ts';
import type { EmbeddedUse } from '../store/open-store.ts';
import { createLogger } from '../telemetry/logger.ts';
import { osUser } from './os-user.ts';
import type { Shell } from './shell.ts';
import { readVersion } from './version.ts';

/** A call as the command line makes it. */
export interface LocalCall {
  readonly name: string;
  readonly arguments: unknown;
  /** What is wrong with the arguments before any schema sees them. */
  readonly malformed?: string | undefined;
  /** Beside the signal of the shell. */
  readonly signal?: AbortSignal | undefined;
}

/** Howdah within this process. */
export interface LocalHowdah {
  readonly platform: Platform;
  /** Where the configuration came from, for people. */
  readonly source: string;
  /** The rules that calls of the local user follow; undefined where none are for it. */
  readonly persona: CompiledPersona | undefined;
  /** Calls as the local user, with the persona of `stdio.persona`. */
  readonly call: (call: LocalCall) => Promise<CallOutcome>;
  /** Calls as the local user, with the persona `admin`. */
  readonly administer: (call: LocalCall) => Promise<CallOutcome>;
}

/** What is said on the command line and in the arguments too is on record as malformed. */
function withPurpose(call: LocalCall, purpose: string | undefined): LocalCall {
  if (purpose === undefined || !isRecord(call.arguments)) return call;
  const malformed = Object.hasOwn(call.arguments, PURPOSE)
    ? `The argument "${PURPOSE}" is given twice, in the arguments and as a flag.`
    : call.malformed;
  return { ...call, malformed, arguments: { ...call.arguments, [PURPOSE]: purpose } };
}

interface LocalStart {
  readonly url?: string | undefined;
  readonly embeddedStore?: EmbeddedUse;
  readonly mendsPersonas?: boolean;
}

/** Opens Howdah for the time of `work`. Fails with CONFIG_INVALID. */
export async function withHowdah<T>(
  shell: Shell,
  { url, ...start }: LocalStart,
  work: (howdah: LocalHowdah) => Promise<T>,
): Promise<T> {
  const { env, screen, signal } = shell;
  const { config, warnings, source } = await loadConfig({ path: shell.config, url, env });
  for (const warning of warnings) screen.note(`warning: ${warning}`);
  const logger = createLogger(config.telemetry.log_level);
  const platform = await createPlatform({ config, env, logger, version: readVersion(), ...start });
  const callAs = (persona: string) => (call: LocalCall) =>
    executeCall(
      {
        ...withPurpose(call, shell.purpose),
        catalog: platform.catalog,
        principal: localPrincipal(persona, osUser()),
        origin: { transport: 'cli' },
        signal: call.signal === undefined ? signal : AbortSignal.any([signal, call.signal]),
      },
      platform.deps,
    );
  try {
    const persona = platform.deps.policy.personaFor(localPrincipal(config.stdio.persona, osUser()));
    return await work({ platform, source, persona, call: callAs(config.stdio.persona), administer: callAs('admin') });
  } finally {
    await platform.close();
  }
}
