/** The compiled parser, which the package has beside its own JavaScript and does not declare. */
declare module 'libpg-query/wasm/libpg-query.js' {
  const createModule: () => Promise<unknown>;
  export default createModule;
}
