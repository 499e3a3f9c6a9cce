import { PersonaSpec } from '../contract/persona.ts';
import type { BUILT_IN_PERSONAS } from '../config/schema.ts';
import { compileLimits } from './limits.ts';
import type { CompiledLimits } from './policy.ts';

/**
 * Personas that need no configuration, each for the role of its own name; docs/personas.md has the reasons. Their
 * priorities differ, so that a caller with several of these roles has one persona, and are below those of a file.
 */
export const builtInPersonas: Readonly<Record<(typeof BUILT_IN_PERSONAS)[number], PersonaSpec>> = {
  admin: PersonaSpec.parse({
    priority: -10,
    tools: { allow: ['class:admin', 'class:diagnostic', 'class:schema'] },
    limits: { rows: 10_000, bytes: '8MiB', statement_timeout: '60s', calls_per_minute: 240, concurrent: 8 },
  }),
  dba: PersonaSpec.parse({
    priority: -20,
    tools: { allow: ['class:diagnostic', 'class:schema', 'class:query'] },
    limits: { rows: 5000, bytes: '4MiB', statement_timeout: '60s', calls_per_minute: 240, concurrent: 8 },
  }),
  analyst: PersonaSpec.parse({
    priority: -30,
    tools: { allow: ['class:schema', 'class:query'] },
    limits: { rows: 1000, bytes: '1MiB', statement_timeout: '30s', calls_per_minute: 120, concurrent: 4 },
  }),
  auditor: PersonaSpec.parse({
    priority: -40,
    tools: { allow: ['audit_*'] },
    limits: { rows: 10_000, bytes: '8MiB', statement_timeout: '60s', calls_per_minute: 60, concurrent: 2 },
  }),
  viewer: PersonaSpec.parse({
    priority: -50,
    tools: { allow: ['class:diagnostic', 'class:schema'], deny: ['area:security'] },
    limits: { rows: 500, bytes: '512KiB', statement_timeout: '15s', calls_per_minute: 60, concurrent: 2 },
  }),
};

/** How much is heard of a caller whom no persona is for. */
export const STRANGER_LIMITS: CompiledLimits = compileLimits(builtInPersonas.viewer.limits);
