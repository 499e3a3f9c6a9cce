import { z } from 'zod';
import { defineAdmin } from '../admin-operation.ts';
import type { Surroundings } from './surroundings.ts';

const Row = z.object({
  name: z.string(),
  from: z.enum(['built in', 'file', 'store']),
  priority: z.int(),
  roles: z.array(z.string()),
  tools: z.int().min(0).describe('Tools that it may call.'),
  administration: z.int().min(0).describe('Operations on Howdah itself that it may call.'),
  servers: z.int().min(0).describe('Servers that it may reach.'),
});

export function personaList({ config, fleet, catalog, policy, editor, stored }: Surroundings) {
  const originOf = (name: string) => {
    if ((editor()?.file() ?? config).personas[name] !== undefined) return 'file' as const;
    return stored().versions.has(name) ? ('store' as const) : ('built in' as const);
  };
  return defineAdmin({
    name: 'persona_list',
    area: 'persona',
    title: 'Personas in force',
    description: 'Every persona with its roles and priority, and how much it may call and reach.',
    reaches: 'nothing',
    input: {},
    output: { policy_version: z.string(), rows: z.array(Row) },
    run: () => {
      const { operations } = catalog();
      const tools = operations.filter(({ kind, forward }) => kind === 'tool' && !forward);
      const administration = operations.filter(({ kind }) => kind === 'admin');
      const inForce = policy();
      const rows = inForce.personas().map((persona) => ({
        name: persona.name,
        from: originOf(persona.name),
        priority: persona.priority,
        roles: [...persona.roles].toSorted(),
        tools: tools.filter((tool) => persona.operation(tool).allowed).length,
        administration: administration.filter((each) => persona.operation(each).allowed).length,
        servers: fleet.servers.filter(({ name }) => persona.server(name).allowed).length,
      }));
      return Promise.resolve({ policy_version: inForce.version, rows });
    },
  });
}
