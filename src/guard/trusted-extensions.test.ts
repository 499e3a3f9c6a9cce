import { expect, it } from 'vitest';
import { extensionFunction } from './trusted-extensions.ts';

it.each(['st_area', 'st_asgeojson', 'st_transform', 'postgis_typmod_srid', 'postgis_type_name'])(
  'lets %s of PostGIS pass',
  (name) => expect(extensionFunction('postgis', name, 'c')).toBe('plain'),
);

it.each(['postgis_constraint_dims', 'postgis_constraint_srid', 'postgis_constraint_type'])(
  'keeps %s of PostGIS, which tells of any table, from whom something is hidden from',
  (name) => expect(extensionFunction('postgis', name, 'sql')).toBe('catalogue'),
);

it.each([
  'st_estimatedextent',
  'st_estimated_extent',
  'st_findextent',
  'st_find_extent',
  'st_summarystats',
  'st_count',
  'st_histogram',
  'st_approxhistogram',
  'st_quantile',
  'st_valuecount',
  'st_valuepercent',
  'st_fromflatgeobuftotable',
  'st_mapalgebra',
  'st_mapalgebrafct',
  'st_addband',
  'st_bandfilesize',
  'st_setbandpath',
  'st_rastfromwkb',
  'st_fromgdalraster',
  'st_transformpipeline',
  'st_inversetransformpipeline',
  'addgeometrycolumn',
  'postgis_extensions_upgrade',
])('refuses %s of PostGIS, which reads what its arguments name, or writes', (name) =>
  expect(extensionFunction('postgis', name, 'c')).toBe('unknown'),
);
