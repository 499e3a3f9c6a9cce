import { z } from 'zod';
import type { Config } from '../config/schema.ts';
import { showConfig } from '../config/show.ts';
import { defineAdmin } from './admin-operation.ts';

export function configShow(config: Config) {
  return defineAdmin({
    name: 'config_show',
    area: 'configuration',
    title: 'Configuration in force',
    description: 'The configuration with its defaults filled in; passwords and connection URLs are withheld.',
    reaches: 'nothing',
    input: {},
    output: { config: z.unknown() },
    run: () => Promise.resolve({ config: showConfig(config) }),
  });
}
