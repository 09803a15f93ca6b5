// The words of the screen in both languages, one word a thing, as in GLOSSARY.md.

import { inChinese } from "/page/sentences.js";

const ENGLISH = {
  language: "中文", alarms: "Alarms", orders: "Customer orders", devices: "Devices", none: "none",
  order: "Order", stage: "Stage", progress: "Picked", waits: "Now", device: "Device", mode: "Mode",
  state: "State", task: "Task", load: "Load unit", open: "open", shipped: "shipped", under_way: "transport orders",
  aisles: "Aisles", loop: "Conveyor", track: "Vehicle track", on_belt: "load units on it",
  ready: "ready", starting: "starting", no_commit: "cannot commit", stopped: "stopped", offline: "no connection",
  signed_out: "Sign in with the link that the site printed when it started.", full: "Too many screens listen already.",
  out_of_service: "out of service", to_service: "Put in service", from_service: "Take out",
  placed: "placed", released: "released", packed: "packed", backordered: "backordered", cancelled: "cancelled",
  lost: "lost", found: "found", synchronised: "connected", frozen: "frozen",
  automatic: "automatic", manual: "manual", service: "service", off: "off", idle: "idle", loaded: "loaded", running: "running", working: "at work",
  at_source: "at source", on_device: "on device", at_sink: "at sink", gone: "gone", done: "done",
  reset_fault: "reset fault", take_over: "take over", blocked: "blocked",
  brings: "under way:", stands: "stands at", connecting: "connecting",
  legend_free: "free", legend_work: "at work", legend_ill: "stopped, alarm", legend_away: "away or out of service",
  legend_load: "load unit", legend_held: "way held for a vehicle", legend_shut: "blocked",
};

const CHINESE = {
  language: "English", alarms: "报警", orders: "销售订单", devices: "设备", none: "无",
  order: "订单", stage: "阶段", progress: "已拣", waits: "当前", device: "设备", mode: "运行模式",
  state: "状态", task: "设备任务", load: "载货单元", open: "未完成", shipped: "已发运", under_way: "搬运单",
  aisles: "巷道", loop: "输送机", track: "AGV 轨道", on_belt: "个载货单元在输送机上",
  ready: "就绪", starting: "启动中", no_commit: "无法记账", stopped: "已停止", offline: "连接中断",
  signed_out: "请使用系统启动时给出的登录链接登录。", full: "打开的画面太多。",
  out_of_service: "停用", to_service: "投入使用", from_service: "停用",
  placed: "已下单", released: "已下达", packed: "已装箱", backordered: "缺货", cancelled: "已取消",
  lost: "失联", found: "已连接", synchronised: "在线", frozen: "锁定",
  automatic: "自动", manual: "手动", service: "维护", off: "关闭", idle: "空闲", loaded: "载货", running: "运行中", working: "作业中",
  at_source: "在起点", on_device: "在设备上", at_sink: "在终点", gone: "不见了", done: "已处理",
  reset_fault: "复位故障", take_over: "接管", blocked: "封锁",
  brings: "搬运中：", stands: "位于", connecting: "连接中",
  legend_free: "空闲", legend_work: "作业中", legend_ill: "停机、报警", legend_away: "离线或停用",
  legend_load: "载货单元", legend_held: "已为车辆预留的路段", legend_shut: "封锁",
  outcome_unknown: "任务结果不明", device_fault: "设备故障", device_lost: "设备失联", foreign_device: "设备曾由其他主机控制",
  clarification: "待澄清", no_route: "无路可走", no_empties: "缺空载货单元", warehouse_full: "库满", vanished: "载货单元消失",
  fault: "故障", paused: "已暂停", interrupted: "已中断", event_quarantined: "事件已隔离", device_stopped: "设备停机", disagreement: "账实不符", sink_occupied: "终点被占",
  source_empty: "起点为空", task_refused: "设备任务被拒", appeared: "出现未知载货单元", unknown_load: "机上有账外载荷", moved: "已移走", retry: "重试",
  vehicle_stalled: "车辆停滞", vehicle_mislocated: "车辆定位异常", resume: "继续", cancel: "取消",
};

let chinese = (localStorage.getItem("language") || navigator.language || "en").startsWith("zh");

export function isChinese() {
  return chinese;
}

export function toggleLanguage() {
  chinese = !chinese;
  localStorage.setItem("language", chinese ? "zh" : "en");
}

export function word(key) {
  const own = (chinese ? CHINESE : ENGLISH)[key];
  return own ?? ENGLISH[key] ?? String(key).replaceAll("_", " ");
}

// A whole sentence of the site, in the language of the screen.
export function sentence(text) {
  return chinese ? inChinese(text) : text;
}
