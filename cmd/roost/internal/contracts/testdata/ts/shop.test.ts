// What the compiler takes of a page that is typed by shop.ts, and what it does not: a test by being compiled.

import { Presence, Socket } from "@roost-dev/client"
import { Socket as CoreSocket } from "@roost-dev/client/core"
import { channel2048, item, newChannel, shops, shopsShopAB, shopsShopRest, type NewOrder, type Sorts, type Tree } from "../shop.js"

const is = <T>(_value: T): void => {}

export async function page(socket: Socket): Promise<void> {
  const shop = shops(socket, { shop: 7 })
  shops(socket, { shop: "seven" }, { after: 3 })
  shops(socket, { shop: 7 }, () => ({ after: 3 }))
  newChannel(socket, { rest: "a:b" })
  shopsShopRest(socket, { shop: 7, rest: "a:b" })
  item(socket)
  channel2048(socket, { score: 9 })
  item(new CoreSocket("/socket"))
  // @ts-expect-error the topic is not whole
  shops(socket, {})
  // @ts-expect-error the params are others
  shops(socket, { shop: 7 }, { after: "3" })
  // @ts-expect-error what is optional is left out, not undefined
  shops(socket, { shop: 7 }, { after: undefined })
  // @ts-expect-error there is no such parameter
  newChannel(socket, { id: 7 })

  const joined = await shop.join()
  is<Sorts>(joined)
  is<string | null>(joined.pointer)
  is<number | undefined>(joined.inline.y)
  is<[boolean, boolean, boolean]>(joined.array)
  is<unknown>(joined.anything_else)
  // @ts-expect-error it may be null
  joined.pointer.length
  // @ts-expect-error it may be left out
  joined.omit_empty.length

  const order: NewOrder = { id: "1", items: [{ name: "tea", count: 2 }], coupon: null, at: [1.5, 2], extra: {} }
  const { cents, at, items } = await shop.push("order", order)
  is<[string | undefined, string, string | undefined]>([cents, at, items[0]?.Place])
  await shop.push("order", { ...order, gift: { name: "cup", count: 1 } })
  // @ts-expect-error the coupon is required, if only as null
  shop.push("order", { id: "1", items: [], at: [0, 0], extra: {} })
  // @ts-expect-error a count is a number
  shop.push("order", { ...order, gift: { name: "cup", count: "1" } })
  // @ts-expect-error a gift is there, or left out
  shop.push("order", { ...order, gift: null })
  // @ts-expect-error a place has two numbers
  shop.push("order", { ...order, at: [1] })
  // @ts-expect-error there is no such event
  shop.push("ordr", order)

  is<{}>(await shop.push("rename", { from: "a", to: "b" }))
  is<ArrayBuffer>(await shop.push("upload", new Uint8Array(3)))
  is<unknown>(await shopsShopAB(socket, { shop: 7, a: 1, b: 2 }, {}).push("pass it on/now", [1, 2]))
  shop.push("typing", { on: true })
  // @ts-expect-error nobody replies
  await shop.push("typing", { on: true })

  shop.on("ordered", ({ others }) => is<string | undefined>(others["1"]?.[0]?.name))
  shop.on("restocked", ({ left, Place }) => is<[number, string]>([left, Place]))
  shop.on("picture", (bytes) => is<number>(bytes.byteLength))
  shop.on("typing", ({ entries }) => is<number | undefined>(entries[0]?.count))
  shop.on("everything", ({ tree }) => is<Tree | undefined>(tree.kids?.[0]?.up))
  // @ts-expect-error it is pushed, and never comes
  shop.on("order", () => {})

  const presence = new Presence(shop)
  is<string[]>(presence.list((_key, { metas }) => metas[0]!.name + metas[0]!.phx_ref))
  // @ts-expect-error there is no such meta
  presence.list((_key, { metas }) => metas[0]!.age)
}
