import { tools as catalogued } from './catalog.gen.ts';
import { createGuide } from './guide.ts';
import { createHealthCheck } from './health/health-check.ts';
import type { Tool } from './kit/index.ts';

const examining: readonly Tool[] = [...catalogued, createHealthCheck(catalogued)];

/** Every tool: those of the catalogue, and what is made of them. */
export const tools: readonly Tool[] = [...examining, createGuide(examining)];
