import { z } from 'zod';
import { PersonaSpec } from '../contract/persona.ts';
import { Secret } from '../core/secret.ts';
import { authSection } from './auth-section.ts';
import { httpSection, Listen } from './http-section.ts';
import { findPatternProblem } from './name-pattern.ts';
import { auditSection, secretsSection, storeSection } from './store-section.ts';

/** The personas that exist without being configured. */
export const BUILT_IN_PERSONAS = ['viewer', 'analyst', 'dba', 'auditor', 'admin'] as const;

/** The JSON Schema format of a path that is resolved against the directory of the file. */
export const FILE_PATH = 'file-path';

const NAME = 'a name is a lower-case letter, then up to 62 lower-case letters, digits, _ or -';
const Name = z.string().regex(/^[a-z][a-z0-9_-]{0,62}$/, NAME);
const FilePath = z.string().min(1).meta({ format: FILE_PATH });
const toSecret = (text: string) => new Secret(text);

/** Looking up a name that is not there gives undefined even for `constructor`. */
const withoutPrototype = <T extends object>(record: T): T => Object.assign(Object.create(null), record);

const connectionUrl = (description: string) =>
  z
    .string()
    .regex(/^(postgres(ql)?:\/\/|[a-z_]+\s*=)/, 'is not a connection URL; write postgresql://user@host:5432/database')
    .describe(description)
    .transform(toSecret);

const PasswordSource = z
  .strictObject({
    env: z.string().min(1).optional().describe('Environment variable that holds it.'),
    file: FilePath.optional().describe('File that holds it, such as a container secret.'),
    command: z.array(z.string()).min(1).optional().describe('Program and arguments that print it; no shell.'),
  })
  .refine((source) => Object.values(source).filter((value) => value !== undefined).length === 1, {
    error: 'needs exactly one of env, file and command',
  });

const Tls = z
  .strictObject({
    mode: z
      .enum(['disable', 'allow', 'prefer', 'require', 'verify-ca', 'verify-full'])
      .optional()
      .describe("What libpq calls sslmode; the URL's own by default."),
    ca: FilePath.optional().describe('File with the certificates to trust; `system` for those of the system.'),
    cert: FilePath.optional().describe('File with the client certificate.'),
    key: FilePath.optional().describe('File with the key of the client certificate.'),
  })
  .refine(({ cert, key }) => (cert === undefined) === (key === undefined), {
    error: 'has only one of cert and key; a client certificate needs both',
  });

const DatabasePattern = z.string().superRefine((pattern, context) => {
  const problem = findPatternProblem(pattern);
  if (problem !== undefined) context.addIssue({ code: 'custom', message: problem });
});

/** How to log in somewhere, beside the URL. */
const login = {
  password: z
    .union([z.string().min(1).transform(toSecret), PasswordSource])
    .optional()
    .describe(
      'Password, if the URL has none: a text such as ${SHOP_PASSWORD}, or where to read it at each connection.',
    ),
  tls: Tls.prefault({}).describe('Encryption, where it differs from what the URL says.'),
} as const;

const Pooler = z.strictObject({
  url: connectionUrl('Connection URL of its admin console, such as postgresql://stats@pooler:6432/pgbouncer.'),
  ...login,
});

/** Who runs the SQL of callers: another login than the one that watches the server. */
const Login = z.strictObject({
  user: z.string().min(1).max(63).describe('Role of PostgreSQL to log in as.'),
  password: login.password.describe('Its password: a text such as ${SHOP_PASSWORD}, or where to read it.'),
});

const Server = z.strictObject({
  url: connectionUrl(
    'Connection URL, or a connection string as libpq has it. `postgresql://` takes all from the PG* variables.',
  ),
  ...login,
  logins: z
    .record(Name, Login.describe("A login for SQL of callers' own, by a name that personas use."))
    .transform(withoutPrototype)
    .prefault({})
    .describe("Logins for SQL of callers' own; `login` of a persona names one."),
  search_path: z
    .array(z.string().min(1).max(63))
    .optional()
    .describe(
      "Schemas in which SQL of callers' own finds names without one, such as [app, public]; those of the login by default.",
    ),
  pooling: z
    .enum(['session', 'transaction'])
    .default('session')
    .describe('`transaction` if a pooler such as PgBouncer stands before the server in transaction mode.'),
  databases: z
    .array(DatabasePattern)
    .min(1)
    .default(['*'])
    .describe('Databases that may be reached on it: names with *.'),
  connections: z.int().min(1).max(100).default(4).describe('Connections that may be open to the server at once.'),
  pgbouncer: z
    .record(Name, Pooler.describe('A PgBouncer, by a name of your choice: `main: { url: … }`.'))
    .transform(withoutPrototype)
    .prefault({})
    .describe('The PgBouncers that stand before the server, whose admin consoles the pgbouncer tools ask.'),
});

/** Everything that can be configured. A key is here only if it does something. */
export const Config = z.strictObject({
  http: httpSection(FilePath).prefault({}).describe('The HTTP listener of `howdah serve`.'),
  servers: z
    .record(Name, Server.describe('A PostgreSQL server.'))
    .transform(withoutPrototype)
    .prefault({})
    .describe('The PostgreSQL servers, by the names that callers use.'),
  default_server: Name.optional().describe('Server of a call that names none.'),
  stdio: z
    .strictObject({ persona: Name.default('dba').describe('Persona of a caller over stdio and of the command line.') })
    .prefault({})
    .describe('Calls from this machine.'),
  auth: authSection(Name).prefault({}).describe('Who may call over HTTP.'),
  personas: z
    .record(Name, PersonaSpec.describe('A persona.'))
    .transform(withoutPrototype)
    .prefault({})
    .describe('Who may do what, by name; a built-in persona is replaced by one of its name.'),
  grants: z
    .strictObject({
      longest: z
        .string()
        .regex(/^[1-9]\d{0,4}(min|h|d)$/, 'is a number with min, h or d, such as 24h')
        .default('24h')
        .describe('How long a persona can be granted at most, such as 24h or 7d.'),
    })
    .prefault({})
    .describe('Personas that are granted for a while.'),
  mcp: z
    .strictObject({
      surface: z
        .enum(['full', 'compact'])
        .default('full')
        .describe('What lists of tools have: `compact` puts one tool, `diagnose`, in the place of all diagnostics.'),
    })
    .prefault({})
    .describe('What clients of MCP are shown.'),
  store: storeSection(connectionUrl).prefault({}).describe('Where personas and the audit log are kept.'),
  secrets: secretsSection(FilePath).prefault({}).describe('What secrets at rest are sealed with.'),
  audit: auditSection(FilePath).prefault({}).describe('The audit log.'),
  telemetry: z
    .strictObject({
      log_level: z
        .enum(['debug', 'info', 'warn', 'error'])
        .default('warn')
        .describe('Least urgent level that is logged.'),
      metrics: z
        .strictObject({
          listen: z
            .union([z.literal('off'), Listen])
            .default('127.0.0.1:7433')
            .describe('Address of the listener of /metrics, for Prometheus; `off` for none.'),
        })
        .prefault({})
        .describe('Figures of `howdah serve`.'),
    })
    .prefault({})
    .describe('What Howdah tells of itself, on standard error.'),
});

type DeepReadonly<T> = T extends Secret ? T : T extends object ? { readonly [K in keyof T]: DeepReadonly<T[K]> } : T;

/** The parsed configuration: defaults filled in, frozen, secrets held by `Secret`. */
export type Config = DeepReadonly<z.output<typeof Config>>;
