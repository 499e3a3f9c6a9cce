import { z } from 'zod';
import { PurposeRule } from '../contract/persona.ts';
import type { Problem } from './problem.ts';
import type { Environment } from './substitution.ts';
import { Secret } from '../core/secret.ts';

/** `filePath` is the schema of a path that is resolved against the directory of the file. */
export function secretSource(filePath: z.ZodString) {
  return z
    .strictObject({
      env: z.string().min(1).optional().describe('Environment variable that holds it.'),
      file: filePath.optional().describe('File that holds it, such as a container secret.'),
    })
    .refine(({ env, file }) => (env === undefined) !== (file === undefined), {
      error: 'needs exactly one of env and file',
    });
}

/** `connectionUrl` makes the schema of a connection URL. */
export function storeSection<Url extends z.ZodType>(connectionUrl: (description: string) => Url) {
  return z
    .strictObject({
      url: connectionUrl(
        'PostgreSQL 14 or newer that keeps personas and the audit log; its login may only add to the log.',
      ).optional(),
      migrate_url: connectionUrl(
        'The login that owns the tables, for `howdah migrate`; the one of `store.url` if it is left out.',
      ).optional(),
      embedded: z
        .boolean()
        .default(true)
        .describe('Whether `serve` starts its own PostgreSQL where there is no `url`; otherwise it keeps files only.'),
    })
    .refine(({ url, migrate_url: migrate }) => url !== undefined || migrate === undefined, {
      error: 'has migrate_url without url',
    });
}

export function secretsSection(filePath: z.ZodString) {
  return z.strictObject({
    key: secretSource(filePath)
      .optional()
      .describe('Key of 32 bytes or more that secrets in the store are sealed with; needed with `store.url`.'),
    previous: z
      .array(secretSource(filePath))
      .default([])
      .describe('Keys that were in force before, for as long as personas or events of their time are kept.'),
  });
}

function otlpSection(filePath: z.ZodString) {
  return z.strictObject({
    logs_url: z
      .url({ protocol: /^https?$/, error: 'is no URL; write https://collector:4318/v1/logs' })
      .refine((url) => URL.canParse(url) && new URL(url).username === '' && new URL(url).password === '', {
        error: 'has a name or password in it; put it under headers',
      })
      .describe('Where OTLP over HTTP is taken, with its path: `https://collector:4318/v1/logs`.'),
    headers: z
      .record(
        z.string().regex(/^[A-Za-z0-9-]{1,100}$/, 'is no name of a header'),
        z
          .union([z.string().transform((text) => new Secret(text)), secretSource(filePath)])
          .describe('What the header says, or where to read it at each request.'),
      )
      .default({})
      .describe('Headers that go with it, such as `authorization`: a text such as ${TOKEN}, or where to read it.'),
  });
}

export function auditSection(filePath: z.ZodString) {
  return z.strictObject({
    directory: filePath.optional().describe('Where the audit files are written; the state directory by default.'),
    purpose: PurposeRule.default('optional').describe(
      'Whether calls say why they are made, by the argument `purpose`; a persona may have a rule of its own.',
    ),
    on_unavailable: z
      .enum(['refuse', 'spool'])
      .default('refuse')
      .describe(
        'When the store cannot be written: refuse calls, or keep events in a file of this machine until it can.',
      ),
    spool_limit: z
      .int()
      .min(1)
      .max(1024)
      .default(256)
      .describe('MiB that the file may take before calls are refused after all.'),
    checkpoints: filePath
      .optional()
      .describe('File that signed checkpoints are added to as well; in the state directory by default.'),
    otlp: otlpSection(filePath)
      .optional()
      .describe('A collector of OpenTelemetry that gets every event of the store as a log record.'),
    retention: z
      .string()
      .regex(/^([1-9]\d{0,2} months|forever)$/, 'is `13 months` or another number of months, or `forever`')
      .default('forever')
      .describe('How long events are kept in the store: `13 months`, or `forever`.'),
  });
}

type Source = z.output<ReturnType<typeof secretSource>>;

interface Checked {
  readonly store: { readonly url?: unknown };
  readonly secrets: { readonly key?: Source | undefined; readonly previous: readonly Source[] };
}

/** Keys that are not there. */
export function findSecretProblems({ store, secrets }: Checked, env: Environment): Problem[] {
  const sources = [
    ['secrets.key', secrets.key] as const,
    ...secrets.previous.map((source, i) => [`secrets.previous[${i}]`, source] as const),
  ];
  const unset = sources.filter(([, source]) => source?.env !== undefined && !Object.hasOwn(env, source.env));
  return [
    ...(store.url !== undefined && secrets.key === undefined ? [{ path: 'secrets.key', message: NO_KEY }] : []),
    ...unset.map(([path]) => ({
      path: `${path}.env`,
      message: 'names an environment variable that is not set; set it',
    })),
  ];
}

const NO_KEY =
  'is missing, and store.url needs it: print one with `openssl rand -base64 48`, and keep it where the store is not';

interface Kept {
  readonly store: { readonly url?: unknown; readonly embedded: boolean };
  readonly audit: Readonly<Partial<Record<(typeof OF_A_STORE)[number], unknown>>>;
  readonly grants: { readonly longest: string };
}

/** Keys of `audit` that say something of a store. `audit.otlp` is told of where the log is opened. */
const OF_A_STORE = ['retention', 'on_unavailable', 'spool_limit', 'checkpoints'] as const;

/** What is set and does nothing, as there is no store; `defaults` is a configuration in which nothing is set. */
export function findStoreWarnings({ store, audit, grants }: Kept, defaults: Kept): string[] {
  if (store.url !== undefined || store.embedded) return [];
  const paths = [
    ...OF_A_STORE.filter((key) => audit[key] !== defaults.audit[key]).map((key) => `audit.${key}`),
    ...(grants.longest === defaults.grants.longest ? [] : ['grants.longest']),
  ];
  if (paths.length === 0) return [];
  return [
    `${paths.join(', ')} ${paths.length === 1 ? 'is' : 'are'} of no effect: there is no store; set store.url, or leave out \`store.embedded: false\`.`,
  ];
}
