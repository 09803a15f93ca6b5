// What the site says in whole sentences (alarms, reasons why something waits), and the same in Chinese.
//
// Rule: a sentence stands here as the core says it, with {1}, {2}, … for what it fills in; the first that fits is taken,
// and what was filled in is looked up too. One that fits none is shown as it is. A test holds this against the core.

const SENTENCES = [
  ["a free order place at a station", "拣选台空闲订单位"],
  ["an empty load unit for the order", "订单用的空载货单元"],
  ["orders wait for an empty load unit, and none can be fetched", "订单在等空载货单元，但没有可取的空载货单元"],
  ["the warehouse is full: no free storage location in an aisle that can be used", "库满：可用巷道中没有空闲货位"],
  ["another host drives this device", "另一台主机正在控制此设备"],
  ["says that it is at {1}, which {2} holds", "自报位于 {1}，而该处由 {2} 占用"],
  ["has stood at {1} for {2} s on its way", "途中在 {1} 已停 {2} 秒"],
  ["load unit {1} waits in the clarification lane", "载货单元 {1} 在澄清线等待"],
  ["load unit {1} was not found at {2}", "在 {2} 找不到载货单元 {1}"],
  ["load unit {1} is gone from {2} without a task", "载货单元 {1} 未经任务离开了 {2}"],
  ["load unit {1}: no way from {2} to the racks", "载货单元 {1}：从 {2} 无路可到货架"],
  ["load unit {1}: no way to {2}", "载货单元 {1}：无路可到 {2}"],
  ["load unit {1}: {2}", "载货单元 {1}：{2}"],
  ["{1}; measured {2}", "{1}；实测 {2}"],
  ["{1}; {2}", "{1}；{2}"],
  ["not read {1} times", "{1} 次未读到条码"],
  ["unknown load unit {1}", "未知载货单元 {1}"],
  ["wrong weight: expected {1}", "重量不符：应为 {1}"],
  ["contour", "外形超限"],
  ["overweight", "超重"],
  ["several codes", "读到多个条码"],
  ["unknown", "未知"],
  ["track {1} should be load unit {2}, but {3} was read", "跟踪号 {1} 应为载货单元 {2}，却读到 {3}"],
  ["an unknown load with track {1} stands at {2}", "{2} 有未知载荷（跟踪号 {1}）"],
  ["{1} was found occupied by a load that the book does not know", "{1} 被账外载荷占用"],
  ["has a load on board that the book does not know", "机上有账外载荷"],
  ["{1} has a load on board that the book does not know", "{1} 机上有账外载荷"],
  ["has load unit {1} on board, which the book has at {2}", "机上有载货单元 {1}，而账上它在 {2}"],
  ["{1} has load unit {2} on board, which finds no place", "{1} 机上有载货单元 {2}，找不到货位"],
  ["picked load unit {1} at {2}, but the book had it at {3}", "在 {2} 取到载货单元 {1}，而账上它在 {3}"],
  ["works on task {1}, which is closed here", "正在执行任务 {1}，而此处已结束"],
  ["stands {1}", "停止：{1}"],
  ["paused", "已暂停"],
  ["interrupted", "已中断"],
  ["task {1} was seen there, ours go to {2}", "设备上有任务 {1}，而本机只发到 {2}"],
  ["task {1} refused: {2}", "任务 {1} 被拒：{2}"],
  ["task {1} from {2} to {3}: {4}", "任务 {1}（{2} → {3}）：{4}"],
  ["the device has forgotten a task that had begun", "设备忘记了已开始的任务"],
  ["the device has lost its retentive memory", "设备丢失了保持存储"],
  ["the device does not know where the load is", "设备不知道载荷在何处"],
  ["state {1}, mode {2}, alarm words {3}", "状态 {1}，模式 {2}，报警字 {3}"],
  ["epoch {1} was seen there, ours is {2}", "设备上的纪元为 {1}，本机为 {2}"],
  ["command {1} was acknowledged there, ours go to {2}", "设备已确认命令 {1}，而本机只发到 {2}"],
  ["command {1} was not acknowledged", "命令 {1} 未被确认"],
  ["{1} could not be taken in and is quarantined: {2}", "{1} 无法处理，已隔离：{2}"],
  ["no way from {1} to {2}", "从 {1} 无路可到 {2}"],
  ["{1} finds no way from {2} to {3}", "{1} 找不到从 {2} 到 {3} 的路"],
  ["{1} is blocked by {2}: {3}", "{1} 被 {2} 封锁：{3}"],
  ["{1} is blocked for put-away by {2}: {3}", "{1} 被 {2} 封锁入库：{3}"],
  ["{1} is blocked for retrieval by {2}: {3}", "{1} 被 {2} 封锁出库：{3}"],
  ["{1} was taken out of service by {2}", "{1} 已由 {2} 停用"],
  ["{1} is occupied", "{1} 被占用"],
  ["{1} is in mode {2}", "{1} 处于模式 {2}"],
  ["{1} is {2}", "{1}：{2}"],
  ["lost", "失联"],
  ["found", "已连接，未同步"],
  ["frozen", "锁定"],
];

function pattern(english) {
  const escaped = english.replace(/[.*+?^$()|[\]\\]/g, "\\$&");
  return new RegExp(`^${escaped.replace(/\{\d\}/g, "(.+?)")}$`);
}

const KNOWN = SENTENCES.map(([english, chinese]) => [pattern(english), chinese]);

// The same sentence in Chinese.
export function inChinese(sentence) {
  for (const [english, chinese] of KNOWN) {
    const found = english.exec(sentence);
    if (found) return chinese.replace(/\{(\d)\}/g, (_, n) => inChinese(found[n]));
  }
  return sentence;
}
