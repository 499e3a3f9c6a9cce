import type { Catalog } from '../../calls/catalog.ts';
import type { ResourceSource } from './resource-source.ts';
import { tables } from './tables.ts';
import { toolDocuments } from './tool-documents.ts';

export function allResources(catalog: () => Catalog): readonly ResourceSource[] {
  return [tables(catalog), toolDocuments(catalog)];
}
