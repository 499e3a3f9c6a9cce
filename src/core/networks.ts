import { BlockList, isIP } from 'node:net';

/**
 * Whether an address lies in one of the networks, which are in CIDR notation or single addresses. An IPv4 address is
 * also known as `::ffff:192.0.2.1`; what is no address lies nowhere.
 */
export function compileNetworks(networks: readonly string[]): (address: string) => boolean {
  const list = new BlockList();
  for (const network of networks) {
    const [address = '', prefix] = network.split('/');
    const family = isIP(address) === 4 ? 'ipv4' : 'ipv6';
    if (prefix === undefined) list.addAddress(address, family);
    else list.addSubnet(address, Number(prefix), family);
  }
  return (address) => {
    // a link-local address may name its interface after %
    const [plain = ''] = address.split('%', 1);
    const family = isIP(plain);
    return family !== 0 && list.check(plain, family === 4 ? 'ipv4' : 'ipv6');
  };
}
