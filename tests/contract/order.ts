// Places, repeats and reads an order with the generated client. Usage: node order.js URL KEY BODY
import { createClient } from './client/client/index.js';
import { createOrder, getOrder } from './client/sdk.gen.js';
import { zCreateOrderBody } from './client/zod.gen.js';

declare const process: { argv: string[] };

const [url, key, body] = process.argv.slice(2) as [string, string, string];
const client = createClient({ baseUrl: url, throwOnError: true });
const request = { client, headers: { 'Idempotency-Key': key }, body: zCreateOrderBody.parse(JSON.parse(body)), throwOnError: true } as const;

const first = await createOrder(request);
const again = await createOrder(request);
const order = await getOrder({ client, path: { order_id: first.data.order_id }, throwOnError: true });
console.log(JSON.stringify({
  first: first.data.order_id,
  again: again.data.order_id,
  replayed: again.response.headers.get('Idempotent-Replayed'),
  read: order.data.order_id,
  total: order.data.total,
}));
