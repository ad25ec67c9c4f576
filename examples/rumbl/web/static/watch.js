function l(o){return document.getElementById(o)}function h(o,e="",...t){let n=document.createElement(o);return n.className=e,n.append(...t),n}function g(o,e,t){
let n=h("button",t?"icon":"text",t?vt(t):o);return n.type="button",t&&n.setAttribute("aria-label",n.title=o),n.addEventListener("click",e),n}var Ie="http://www.\
w3.org/2000/svg",mt={edit:"M4 20l1-4L16 5l3 3L8 19zM14 7l3 3",remove:"M5 7h14M10 7V4h4v3M7 7l1 13h8l1-13M11 11v5M13 11v5",mute:"M4 9v6h4l5 4V5L8 9zM16 9l5 6M21 \
9l-5 6",unmute:"M4 9v6h4l5 4V5L8 9zM16 9a4 4 0 0 1 0 6M18 6a8 8 0 0 1 0 12",kick:"M10 4H5v16h5M9 12h11M16 8l4 4-4 4"};function vt(o){let e=document.createElementNS(
Ie,"svg");e.setAttribute("viewBox","0 0 24 24"),e.setAttribute("aria-hidden","true");let t=document.createElementNS(Ie,"path");return t.setAttribute("d",mt[o]),
e.append(t),e}function C(o,e){let t=document.createElement("span");return t.className=`avatar tint-${o%6}`,t.setAttribute("aria-hidden","true"),t.textContent=([...e][0]??"?").
toUpperCase(),t}function b(o){let e=Math.floor(o/1e3),t=s=>String(s).padStart(2,"0"),[n,i,r]=[Math.floor(e/3600),Math.floor(e/60)%60,e%60];return n>0?`${n}:${t(
i)}:${t(r)}`:`${i}:${t(r)}`}function $e({id:o,at:e,user:t,body:n,edited:i,muted:r},s,a,d){let c=h("li");c.dataset.id=String(o),c.dataset.testid="annotation",c.tabIndex=-1;let u=h("button",
"time",b(e));u.type="button",u.setAttribute("aria-label",`Go to ${b(e)}`),u.addEventListener("click",()=>d.seek());let p=h("span","name",s?`${t.name} (you)`:t.name);
i&&p.append(" ",h("small","","edited")),r&&p.append(" ",h("small","muted",s?"hidden from others":"muted"));let E=h("p","body",n);E.dataset.testid="annotation-te\
xt",c.append(u,C(t.id,t.name),p,E);let ve=h("span","tools"),{edit:ge,remove:ye}=d;return ge&&ve.append(g("Edit",()=>gt(c,E,a,ge),"edit")),ye&&ve.append(g("Delet\
e",ye,"remove")),(ge||ye)&&c.append(ve),c}function gt(o,e,t,n){let i=e.textContent??"",r=h("input");r.value=i,r.maxLength=t,r.required=!0,r.setAttribute("aria-l\
abel","Your annotation");let s=h("form","edit",r),a=g("Save",()=>{});a.type="submit";let d=()=>{s.replaceWith(e),o.classList.remove("editing"),o.focus()};s.append(
a,g("Cancel",d)),s.addEventListener("submit",c=>{c.preventDefault();let u=r.value.trim();u!==""&&(d(),u!==i&&n(u))}),s.addEventListener("keydown",c=>{c.key==="E\
scape"&&d()}),o.classList.add("editing"),e.replaceWith(s),r.focus()}function P(o){return typeof o=="function"?o:()=>o}function be(o,e){let t=Ne(e,"");return t.length===0?o:o+(o.includes("?")?"&":"?")+t.join("&")}function Ne(o,e){
return Object.entries(o).flatMap(([t,n])=>{let i=e?`${e}[${t}]`:t;return n==null?[]:typeof n=="object"?Ne(n,i):[`${encodeURIComponent(i)}=${encodeURIComponent(String(
n))}`]})}function we(o){return typeof o?.then=="function"}function Be(o,e,t){let n,i=new Promise((r,s)=>{n=setTimeout(()=>s(new Error(`no ${t} within ${e} ms`)),
e)});return Promise.race([o,i]).finally(()=>clearTimeout(n))}function I(o,e){let t=()=>e(o.reason);return o?.aborted?t():o?.addEventListener("abort",t),()=>o?.removeEventListener("abort",t)}var w=class extends Error{name="\
PushError";status;reason;response;constructor({event:e,channel:t},{status:n,response:i}){let r=String(i?.reason??n);super(`"${e}" to "${t.topic}" ended in "${n}\
": ${r}`),this.status=n,this.reason=r,this.response=i}},m=class{[Symbol.toStringTag]="Push";channel;event;timeout;sent=!1;ref=null;payload;reply=null;refEvent=null;timeoutTimer;hooks=[];ending;promise;tell=()=>{};ignoreSignal=()=>{};constructor(e,t,n,i){
this.channel=e,this.event=t,this.payload=n,this.timeout=i}receive(e,t){return this.hasReceived(e)&&t(this.reply.response),this.hooks.push({status:e,callback:t}),
this}then(e,t){return this.promise??=new Promise((n,i)=>this.tellWhenEnded(n,i)),this.promise.then(e,t)}catch(e){return this.then(null,e)}finally(e){return this.
then().finally(e)}send(){this.hasReceived("timeout")||(this.startTimeout(),this.transmit())}resend(e){this.timeout=e,this.reset(),this.send()}reset(){this.cancelTimeout(),
this.cancelRefEvent(),this.ref=null,this.reply=null,this.sent=!1}startTimeout(){this.cancelTimeout(),this.cancelRefEvent(),this.ref=this.channel.socket.makeRef(),
this.refEvent=this.channel.replyEventName(this.ref),this.channel.on(this.refEvent,e=>this.settle(e)),this.timeout!==1/0&&(this.timeoutTimer=setTimeout(()=>this.
trigger("timeout",{}),this.timeout))}cancelTimeout(){clearTimeout(this.timeoutTimer)}heed(e){this.ignoreSignal=I(e,t=>this.abort(t))}abort(e){this.cancelTimeout(),
this.cancelRefEvent(),this.end((t,n)=>n(e)),this.drop()}drop(){this.channel.drop(this)}trigger(e,t){this.refEvent&&this.channel.trigger(this.refEvent,{status:e,
response:t})}transmit(){this.sent=!0;let{channel:e}=this,t=this.message();e.socket.push(t,()=>t.join_ref===e.joinRef()&&!e.isClosed())}message(){let{channel:e,ref:t,
event:n}=this;return{join_ref:e.joinRef(),ref:t,topic:e.topic,event:n,payload:this.payload()}}settle(e){this.cancelRefEvent(),this.cancelTimeout(),this.reply=e,
this.end((t,n)=>e.status==="ok"?t(e.response):n(new w(this,e)));for(let t of this.hooks.filter(({status:n})=>n===e.status))t.callback(e.response)}end(e){this.ignoreSignal(),
this.ending??=e,this.tell(this.ending)}tellWhenEnded(...e){let{channel:t}=this,n=()=>queueMicrotask(()=>this.end((r,s)=>s(new w(this,{status:"closed",response:{}})))),
i=t.onClose(n);this.tell=r=>{t.off("phx_close",i),r(...e)},this.ending?this.tell(this.ending):t.isClosed()&&t.joinedOnce&&n()}cancelRefEvent(){this.refEvent&&this.
channel.off(this.refEvent),this.refEvent=null}hasReceived(e){return this.reply?.status===e}};var k=class{callback;schedule;handle;tries=0;constructor(e,t){this.callback=e,this.schedule=t}scheduleTimeout(e=0){this.cancel();let t=this.tries+1,n=Math.round(
Math.max(this.schedule(t),e));return n===1/0?[n,t]:(this.handle=setTimeout(()=>{this.tries=t,this.callback()},n),[n,t])}cancel(){clearTimeout(this.handle)}reset(){
this.cancel(),this.tries=0}};var Y=class{state="closed";topic;params;socket;timeout;joinedOnce=!1;joinPush;pushBuffer=[];bindings=new Map;bindingRef=0;rejoinTimer;notBefore=0;stateChangeRefs;extensions=new Map;constructor(e,t,n){
this.topic=e,this.params=P(t??{}),this.socket=n,this.timeout=n.timeout,this.joinPush=new m(this,"phx_join",()=>this.joinParams(),this.timeout),this.rejoinTimer=
new k(()=>{n.isConnected()&&this.rejoin()},n.rejoinSchedule),this.stateChangeRefs=[n.onError(()=>this.rejoinTimer.reset()),n.onOpen(()=>{this.rejoinTimer.reset(),
this.isErrored()&&this.rejoinWhenWelcome()})],this.joinPush.receive("ok",()=>this.joined()).receive("error",i=>this.failed(i?.retry_after_ms)).receive("timeout",
()=>this.joinTimedOut()),this.onClose(()=>this.closed()),this.onError(i=>this.crashed(i)),this.on("phx_reply",(i,r)=>this.trigger(this.replyEventName(r),i))}join(e={}){
if(this.joinedOnce)throw new Error(`channel "${this.topic}" was already joined: it rejoins by itself, and after leave() a new one is made with socket.channel()`);
let{timeout:t=this.timeout,signal:n}=typeof e=="number"?{timeout:e}:e;this.timeout=t,this.joinedOnce=!0,n?.aborted||this.rejoin();let i=I(n,r=>{this.joinPush.abort(
r),this.leave()});return this.joinPush.receive("ok",i),this.onClose(i),this.joinPush}push(e,t={},n={}){if(!this.joinedOnce)throw new Error(`tried to push "${e}"\
 to "${this.topic}" before joining: call join() first`);let{timeout:i=this.timeout,signal:r}=typeof n=="number"?{timeout:n}:n,s=new m(this,e,()=>t??{},i);return r?.
aborted||this.sendOrKeep(s),s.heed(r),s}leave(e=this.timeout){this.rejoinTimer.reset(),this.joinPush.cancelTimeout(),this.state="leaving";let t=new m(this,"phx_\
leave",()=>({}),e);return t.receive("ok",()=>this.trigger("phx_close","leave")),this.joinRef()!==null?t.send():t.startTimeout(),t.trigger("ok",{}),t}on(e,t){let n=this.
bindingRef++;return this.bindings.set(e,[...this.bindings.get(e)??[],{ref:n,callback:t}]),n}off(e,t){let n=t===void 0?[]:(this.bindings.get(e)??[]).filter(i=>i.
ref!==t);n.length>0?this.bindings.set(e,n):this.bindings.delete(e)}onClose(e){return this.on("phx_close",e)}onError(e){return this.on("phx_error",t=>e(t))}onMessage(e,t,n,i){
return t}joinRef(){return this.joinPush.ref}receive(e){let{topic:t,event:n,payload:i,ref:r,join_ref:s}=e;if(this.isMember(t,n,i,s)){for(let a of this.extensions.
values())if(a.takes?.(e))return;this.trigger(n,i,r,s)}}isMember(e,t,n,i){return this.topic!==e?!1:!i||i===this.joinRef()?!0:(this.socket.log("channel","dropping\
 outdated message",{topic:e,event:t,payload:n,joinRef:i}),!1)}trigger(e,t,n=null,i=null){let r=this.onMessage(e,t,n,i);if(t&&!r)throw new Error("channel onMessa\
ge callbacks must return the payload, modified or unmodified");for(let{callback:s}of this.bindings.get(e)??[])s(r,n,i??this.joinRef())}drop(e){this.pushBuffer=this.
pushBuffer.filter(t=>t!==e)}replyEventName(e){return`chan_reply_${e}`}canPush(){return this.socket.isConnected()&&this.isJoined()}isClosed(){return this.state===
"closed"}isErrored(){return this.state==="errored"}isJoined(){return this.state==="joined"}isJoining(){return this.state==="joining"}isLeaving(){return this.state===
"leaving"}sendOrKeep(e){if(this.canPush()){e.send();return}e.startTimeout(),e.receive("timeout",()=>this.drop(e)),this.pushBuffer=[...this.pushBuffer,e]}joinParams(){
let e=this.params();for(let t of this.extensions.values())e=t.ask(e);return e}rejoin(){this.isLeaving()||(this.socket.leaveOpenTopic(this.topic),this.state="joi\
ning",this.joinPush.resend(this.timeout))}rejoinWhenWelcome(){let e=this.notBefore-Date.now();e>0?this.rejoinTimer.scheduleTimeout(e):this.rejoin()}joined(){this.
state="joined",this.rejoinTimer.reset();let e=this.pushBuffer;this.pushBuffer=[];for(let t of e)try{t.send()}catch(n){t.trigger("error",{reason:n instanceof Error?
n.message:String(n)})}}failed(e){this.state="errored",this.notBefore=Math.max(this.notBefore,Date.now()+this.socket.stayAway(e)),this.socket.isConnected()&&this.
rejoinTimer.scheduleTimeout(this.notBefore-Date.now())}joinTimedOut(){let e=this.joinRef();this.socket.log("channel",`timeout ${this.topic} (${e})`,this.joinPush.
timeout),this.socket.isConnected()&&this.socket.push({join_ref:e,ref:this.socket.makeRef(),topic:this.topic,event:"phx_leave",payload:{}}),this.joinPush.reset(),
this.failed()}crashed(e){this.socket.log("channel",`error ${this.topic}`,e),!(this.isLeaving()||this.isClosed())&&(this.isJoining()&&this.joinPush.reset(),this.
failed())}closed(){this.socket.log("channel",`close ${this.topic} ${this.joinRef()}`),this.rejoinTimer.reset(),this.state="closed",this.socket.remove(this)}};var x=class o{state=$();channel;joinRef=null;keys;pending={joinRef:null,diffs:[]};joinCallback=()=>{};leaveCallback=()=>{};updateCallback=()=>{};syncCallback=()=>{};constructor(e,t={}){
let n=t.events??{state:"presence_state",diff:"presence_diff"};this.channel=e,e.on(n.state,i=>this.receiveState(i)),e.on(n.diff,i=>this.receiveDiff(i))}onJoin(e){
this.joinCallback=e}onLeave(e){this.leaveCallback=e}onUpdate(e){this.updateCallback=e}onSync(e){this.syncCallback=e}list(e){let{state:t}=this;return this.keys??=
Object.keys(t),this.keys.map(n=>e?e(n,t[n]):t[n])}inPendingSyncState(){return this.joinRef===null||this.joinRef!==this.channel.joinRef()}receiveState(e){this.joinRef=
this.channel.joinRef(),this.state=o.syncState(this.state,e,this.joinCallback,this.leaveCallback,this.updateCallback),this.keys=void 0;let{joinRef:t,diffs:n}=this.
pending;if(this.pending={joinRef:null,diffs:[]},t===this.joinRef)for(let i of n)this.apply(i);this.syncCallback()}receiveDiff(e){if(!this.inPendingSyncState()){
this.apply(e),this.syncCallback();return}let t=this.channel.joinRef();this.pending.joinRef!==t&&(this.pending={joinRef:t,diffs:[]});let{diffs:n}=this.pending;n.
push(e),n.length>1e3&&n.shift()}apply(e){let t=i=>!this.state[i],n=Object.keys(e.joins).some(t);this.state=o.syncDiff(this.state,e,this.joinCallback,this.leaveCallback,
this.updateCallback),(n||Object.keys(e.leaves).some(t))&&(this.keys=void 0)}static syncState(e,t,n,i,r){let s=Object.assign($(),e),a=$(),d=$();for(let[c,u]of Object.
entries(t)){let p=z(u.metas,s[c]?.metas??[]);s[c]?p.length>0&&(a[c]={...u,metas:p}):a[c]=u}for(let[c,u]of Object.entries(s)){let p=Object.hasOwn(t,c)?t[c].metas:
[],E=z(u.metas,p);E.length>0&&(d[c]={...u,metas:E})}return o.syncDiff(s,{joins:a,leaves:d},n,i,r)}static syncDiff(e,t,n=()=>{},i=()=>{},r=()=>{}){let s=Object.getPrototypeOf(
e)===null?e:Object.assign($(),e),a=new Map;for(let[d,c]of Object.entries(t.joins)){let u=s[d];u&&a.set(d,u),s[d]=u?{...c,metas:[...z(u.metas,c.metas),...c.metas]}:
c,n(d,u,c)}for(let[d,c]of Object.entries(t.leaves)){let u=s[d];if(!u)continue;let p={...u,metas:z(u.metas,c.metas)};s[d]=p,i(d,p,c),p.metas.length===0?delete s[d]:
a.has(d)&&r(d,a.get(d),p)}return s}static list(e,t){return Object.keys(e).map(n=>t?t(n,e[n]):e[n])}};function $(){return Object.create(null)}function z(o,e){let t=new Set(
e.map(n=>n.phx_ref));return o.filter(n=>!t.has(n.phx_ref))}var j={push:0,reply:1,broadcast:2,keptBroadcast:5,keptPush:6,markedPush:7},Ue=255,ke={encode(o,e){let t=T(o.payload);if(t)return e(yt(o,t));let{join_ref:n,ref:i,
topic:r,event:s,payload:a}=o;return e(JSON.stringify([n,i,r,s,a]))},decode(o,e){let t=T(o);if(t)return e(bt(t));if(typeof o!="string")throw new Error('cannot de\
code a frame that is neither text nor an ArrayBuffer: set binaryType to "arraybuffer"');let n=JSON.parse(o);if(!Array.isArray(n))throw new Error("cannot decode \
a text frame that is not a JSON array");let[i,r,s,a,d]=n;return e({join_ref:i,ref:r,topic:s,event:a,payload:d})}};function T(o){if(ArrayBuffer.isView(o))return new Uint8Array(
o.buffer,o.byteOffset,o.byteLength);if(Object.prototype.toString.call(o)==="[object ArrayBuffer]")return new Uint8Array(o)}function He(o){let{payload:e}=o,t=T(e?.
response);return{...o,payload:t?{...e,response:t}:T(e)??e}}function yt(o,e){let t=[N("join_ref",o.join_ref??""),N("ref",o.ref??""),N("topic",o.topic),N("event",
o.event)];o.mark!==void 0&&t.push(N("mark",o.mark));let n=1+t.length+t.reduce((s,a)=>s+a.length,0),i=new Uint8Array(n+e.length);i[0]=o.mark===void 0?j.push:j.markedPush,
i.set(t.map(s=>s.length),1);let r=1+t.length;for(let s of t)i.set(s,r),r+=s.length;return i.set(e,n),i.buffer}function N(o,e){let t=new TextEncoder().encode(e);
if(t.length>Ue)throw new Error(`unable to convert ${o} to binary: must be less than or equal to ${Ue} bytes, but is ${t.length} bytes`);return t}function bt(o){
switch(o[0]){case j.push:{let{fields:[e,t,n],payload:i}=B(o,3);return{join_ref:e,ref:null,topic:t,event:n,payload:i}}case j.reply:{let{fields:[e,t,n,i],payload:r}=B(
o,4);return{join_ref:e,ref:t,topic:n,event:"phx_reply",payload:{status:i,response:r}}}case j.broadcast:{let{fields:[e,t],payload:n}=B(o,2);return{join_ref:null,
ref:null,topic:e,event:t,payload:n}}case j.keptBroadcast:{let{fields:[e,t,n],payload:i}=B(o,3);return{join_ref:null,ref:e,topic:t,event:n,payload:i}}case j.keptPush:{
let{fields:[e,t,n,i],payload:r}=B(o,4);return{join_ref:e,ref:t,topic:n,event:i,payload:r}}default:throw new Error(`cannot decode a binary frame of kind ${o[0]}:\
 known are 0 (push), 1 (reply), 2 (broadcast), 5 (kept broadcast) and 6 (kept push)`)}}function B(o,e){let t=[...o.subarray(1,1+e)],n=1+e;if(t.length<e||o.length<
t.reduce((s,a)=>s+a,n))throw new Error(`cannot decode a binary frame of ${o.length} bytes: it is shorter than its header says`);let i=new TextDecoder;return{fields:t.
map(s=>i.decode(o.subarray(n,n+=s))),payload:o.slice(n).buffer}}var Ee="base64url.bearer.phx.";function De(o){return["phoenix",Ee+wt(o)]}function Je(o){let e=o?.find(t=>t.startsWith(Ee));return e===void 0?void 0:kt(e.slice(Ee.
length))}function wt(o){if(/[^\u0000-\u00ff]/.test(o))throw new Error("authToken holds a character above U+00FF: encode the token, for example as base64, before\
 giving it to the socket");let e=btoa(o).replace(/=+$/,"");return e.includes("/")?e.replaceAll("+","-").replaceAll("/","_"):e}function kt(o){return atob(o.replaceAll(
"-","+").replaceAll("_","/"))}var f={connecting:0,open:1,closing:2,closed:3};var Et=5,Tt=150,q=class{transport;opened=!1;closing=!1;ending=!1;lossReported=!1;pings=new Map;began=Date.now();events;detached=!1;closedCallbacks=[];constructor(e,t){
this.events=t,this.transport=e,this.moveTo(e)}moveTo(e){let{events:t}=this;this.transport=e;let n=i=>r=>{!this.detached&&this.transport===e&&i(r)};e.onopen=n(()=>{
this.opened=!0,t.open()}),e.onclose=n(t.close),e.onerror=n(t.error),e.onmessage=n(i=>t.message(i.data))}isOpen(){return this.transport.readyState===f.open}isFresh(e){
return!this.opened&&!this.closing&&!this.lossReported&&Date.now()-this.began<e}detach(){this.detached=!0}close(e,t){if(this.closedCallbacks.push(t),this.closing)
return;this.closing=!0,Te(()=>!e.drain||!this.transport.bufferedAmount||!this.isOpen(),()=>{this.transport.onerror=()=>{},e.code===void 0?this.transport.close():
this.transport.close(e.code,e.reason??""),e.closing(),Te(()=>this.transport.readyState===f.closed,()=>this.finish())})}finish(){for(let e of this.closedCallbacks)
e()}};function Te(o,e,t=1){t===Et||o()?e():setTimeout(()=>Te(o,e,t+1),Tt*t)}var K=class{intervalMs;send;onTimeout;timer;pendingRef=null;steady=!0;probing=!1;constructor(e,t,n){this.intervalMs=e,this.send=t,this.onTimeout=n}start(e){this.
stop(),this.steady=e,e&&(this.timer=setTimeout(()=>this.beat(this.intervalMs),this.intervalMs))}stop(){clearTimeout(this.timer),this.pendingRef=null,this.probing=
!1}probe(e){this.probing||(this.stop(),this.probing=!0,this.beat(Math.min(e,this.intervalMs)))}acknowledge(e){e!==null&&e===this.pendingRef&&this.start(this.steady)}beat(e){
this.pendingRef=this.send(),this.timer=setTimeout(()=>{this.stop(),this.onTimeout()},e)}};function We(o){if(!Pe())return;window.addEventListener("pagehide",o.hide),window.addEventListener("pageshow",o.show),window.addEventListener("online",o.network),
window.addEventListener("offline",o.offline),document.addEventListener("resume",o.wake),document.addEventListener("visibilitychange",()=>{S()||o.wake()});let e=globalThis.
navigator?.connection,t=e?.type;e?.addEventListener?.("change",()=>{t!==e.type&&(t=e.type,Ce()||o.network())})}function Ve(o){return Pe()?(window.addEventListener(
"pagehide",o),()=>window.removeEventListener("pagehide",o)):()=>{}}function S(){return typeof document<"u"&&document.visibilityState==="hidden"}function Ce(){return Pe()&&
typeof navigator<"u"&&navigator.onLine===!1}function Pe(){return typeof window>"u"||typeof document>"u"?!1:"addEventListener"in window&&"addEventListener"in document}function G(){return globalThis.WebSocket}function Fe(){return globalThis.location}function Ye(){try{return globalThis.sessionStorage}catch{return}}var ze=o=>[10,50,100,150,200,250,500,1e3,2e3][o-1]??5e3,qe=o=>[1e3,2e3,5e3][o-1]??1e4;function Ke(o){return e=>Math.random()*o(e)}function Ge(o,e){return typeof o!=
"number"||!(o>0)?0:Math.min(o,3e5)*(e?1+Math.random()/2:1)}function Xe(o=""){return Number(/; retry_after_ms=(\d{1,9})$/.exec(o)?.[1]??0)}var Qe=1e3,Ze=3e3,Ct=5e3,X=class{endPoint;timeout;vsn;heartbeatIntervalMs;longpollerTimeout;reconnectAfterMs;rejoinAfterMs;binaryType;transport;params;authToken;logger;channels=[];establishedConnections=0;rejoinSchedule;customEncode;customDecode;uint8Arrays;jitter;heartbeat;reconnectTimer;connection=null;sendBuffer=[];ref=0;closeWasClean=!0;connectClock=0;askedAt=-1;notBefore=0;callbacks=[];constructor(e,t={}){
this.endPoint=`${e}/websocket`,this.transport=t.transport??G()??Pt(),this.timeout=t.timeout??1e4,this.vsn=t.vsn??"2.0.0",this.heartbeatIntervalMs=t.heartbeatIntervalMs??
3e4,this.longpollerTimeout=t.longpollerTimeout??2e4,this.reconnectAfterMs=t.reconnectAfterMs??ze,this.rejoinAfterMs=t.rejoinAfterMs??qe,this.binaryType=t.binaryType??
"arraybuffer",this.params=P(t.params??{}),this.authToken=t.authToken===void 0?void 0:P(t.authToken),this.logger=t.logger??(t.debug?(i,r,s)=>console.log(`${i}: ${r}`,
s):null),this.customEncode=t.encode,this.customDecode=t.decode,this.uint8Arrays=t.uint8Arrays??!1,this.jitter=t.jitter??!0;let n=(i,r)=>i||!this.jitter?r:Ke(r);
this.rejoinSchedule=n(t.rejoinAfterMs,this.rejoinAfterMs),this.heartbeat=new K(this.heartbeatIntervalMs,()=>this.sendHeartbeat(),()=>this.heartbeatTimedOut()),this.
reconnectTimer=new k(()=>this.reconnectUnlessHidden(),n(t.reconnectAfterMs,this.reconnectAfterMs)),this.followPage()}connect(e){if(e&&(this.params=P(e)),this.isUnderWay())
return;let t=[this.params(),this.authToken?.()];t.some(we)?this.connectLater(Promise.all(t)):this.begin(t)}disconnect(e,t,n){this.abandon(),this.connection&&(this.
connection.ending=!0),this.teardown(e,{code:t,reason:n})}replaceTransport(e){this.abandon();let t=this.transport;this.transport=e;let n=this.connection;n&&(n.detach(),
this.teardown(void 0,{drain:!1}),this.connection=null,n.opened&&this.reportLoss(n,"connection_closed")),t!==e&&this.call("transport",e)}channel(e,...[t]){let n=new Y(
e,t,this);return this.channels.push(n),n}push(e,t=()=>!0){let{topic:n,event:i,payload:r,ref:s,join_ref:a}=e;if(this.log("push",`${n} ${i} (${a}, ${s})`,r),this.
isConnected()){this.send(e);return}this.sendBuffer=this.sendBuffer.filter(d=>d.stillWanted()),this.sendBuffer.push({message:e,stillWanted:t})}ping(e){if(!this.connection?.
isOpen())return!1;let t=this.makeRef(),n=Date.now();return this.connection.pings.set(t,()=>e(Date.now()-n)),this.push(et(t)),!0}onOpen(e){return this.addCallback(
"open",e)}onClose(e){return this.addCallback("close",e)}onError(e){return this.addCallback("error",e)}onMessage(e){return this.addCallback("message",e)}onReconnect(e){
return this.addCallback("reconnect",e)}onTransport(e){return this.addCallback("transport",e)}off(e){this.callbacks=this.callbacks.filter(({ref:t})=>!e.includes(
t))}connectionState(){switch(this.conn?.readyState){case f.connecting:return"connecting";case f.open:return"open";case f.closing:return"closing";default:return"\
closed"}}isConnected(){return this.connectionState()==="open"}get conn(){return this.connection?.transport??null}protocol(){return tt(this.endPoint).protocol===
"https:"?"wss":"ws"}endPointURL(e=this.params()){let t=be(be(this.endPoint,we(e)?{}:e),{vsn:this.vsn});return t.startsWith("/")?t.startsWith("//")?`${this.protocol()}\
:${t}`:`${this.protocol()}://${tt(this.endPoint).host}${t}`:t}makeRef(){return this.ref=this.ref===Number.MAX_SAFE_INTEGER?0:this.ref+1,this.ref.toString()}log(e,t,n){
this.logger?.(e,t,n)}hasLogger(){return this.logger!==null}begin(e){this.openTransport(e)}openTransport([e,t]){let n=t===void 0?void 0:De(t),i=new this.transport(
this.endPointURL(e),n);i.binaryType=this.binaryType,i.timeout=this.longpollerTimeout;let r=this.connection;r?.detach(),this.connectClock++,this.closeWasClean=!1,
this.reconnectTimer.cancel();let s=new q(i,{open:()=>this.onConnOpen(),close:a=>this.onConnClose(s,a),error:a=>this.onConnError(s,a),message:a=>this.onConnMessage(
s,a)});this.connection=s,r?.opened&&this.reportLoss(r,"connection_closed")}reconnect(){let e=this.connectClock;this.teardown(()=>{if(e===this.connectClock)try{this.
connect()}catch(t){this.cannotConnect(t)}})}async connectLater(e){let t=++this.connectClock;this.askedAt=t,this.closeWasClean=!1,this.reconnectTimer.cancel();try{
let n=await Be(e,this.timeout,"params and authToken");t===this.connectClock&&this.begin(n)}catch(n){if(t!==this.connectClock)return;this.askedAt=-1,this.cannotConnect(
n)}}cannotConnect(e){this.log("transport","cannot connect",e);let t=this.connectClock;this.callErrorCallbacks(e),t===this.connectClock&&this.scheduleReconnect()}isUnderWay(){
return this.askedAt===this.connectClock||this.connection!==null&&!this.connection.ending}stayAway(e){return Ge(e,this.jitter)}remove(e){this.off(e.stateChangeRefs),
this.channels=this.channels.filter(t=>t!==e)}leaveOpenTopic(e){let t=this.channels.find(n=>n.topic===e&&(n.isJoined()||n.isJoining()));t&&(this.log("transport",
`leaving duplicate topic "${e}"`),t.leave())}onConnOpen(){this.log("transport",`connected to ${this.endPoint}`),this.establishedConnections++,this.flushSendBuffer(),
this.reconnectTimer.reset(),this.heartbeat.start(!this.conn?.skipHeartbeat),this.call("open")}onConnClose(e,t){this.log("transport","close",t),this.heartbeat.stop(),
this.notBefore=Date.now()+this.stayAway(t.retryAfterMs??Xe(t.reason)),!e.closing&&t.code===Qe&&(this.abandon(),this.connection=null),this.reportLoss(e,"connecti\
on_closed"),this.connection===e&&!e.closing&&this.scheduleReconnect(),this.call("close",t)}onConnError(e,t){this.log("transport","error",t);let n=this.transport,
i=this.establishedConnections;this.callErrorCallbacks(t),(n===this.transport||i>0)&&this.reportLoss(e,"connection_error")}callErrorCallbacks(e){this.call("error",
e,this.transport,this.establishedConnections)}onConnMessage(e,t){let n=!1,i=!e.transport.plain&&this.customDecode||ke.decode;try{i(t,r=>{n=!0,this.connection===
e&&e.isOpen()&&this.dispatch(e,this.uint8Arrays?He(r):r)})}catch(r){if(n)throw r;this.log("transport","dropping malformed message",r)}}dispatch(e,t){let{topic:n,
event:i,payload:r,ref:s,join_ref:a}=t;this.heartbeat.acknowledge(s),this.log("receive",`${n} ${i} (${a}, ${s})`,r);for(let c of[...this.channels])c.receive(t);if(this.
call("message",t),s===null)return;let d=e.pings.get(s);e.pings.delete(s),d?.()}get decodesPositions(){return this.customDecode===void 0}get marksBytes(){return this.
customEncode===void 0}send(e){let t=this.connection;(!t?.transport.plain&&this.customEncode||ke.encode)(e,i=>{t===this.connection&&t?.isOpen()&&t.transport.send(
i)})}flushSendBuffer(){let e=this.sendBuffer;this.sendBuffer=[];for(let{message:t,stillWanted:n}of e)if(n())try{this.send(t)}catch(i){this.log("transport",`drop\
ping a message to ${t.topic} that cannot be encoded`,i)}}sendHeartbeat(){let e=this.makeRef();return this.push(et(e)),e}heartbeatTimedOut(){this.log("transport",
"heartbeat timeout. Attempting to re-establish connection");let e=this.connectClock,t=()=>{e===this.connectClock&&this.scheduleReconnect()};this.teardown(t,{code:Qe,
reason:"heartbeat timeout",drain:!1,loss:"heartbeat_timeout"})}scheduleReconnect(){let e=Math.max(this.notBefore-Date.now(),Ce()?Ct:0);this.call("reconnect",...this.
reconnectTimer.scheduleTimeout(e))}reconnectUnlessHidden(){S()?(this.log("transport","not reconnecting while the page is hidden"),this.teardown()):this.reconnect()}abandon(){
this.connectClock++,this.closeWasClean=!0,this.reconnectTimer.reset()}teardown(e,t={}){let n=this.connection;if(!n){e?.();return}this.heartbeat.stop();let{code:i,
reason:r,drain:s=!0,loss:a="connection_closed"}=t,d=()=>{n.opened&&this.reportLoss(n,a)};n.close({code:i,reason:r,drain:s,closing:d},()=>{this.connection===n&&(n.
detach(),this.connection=null),e?.()})}reportLoss(e,t){if(e.lossReported)return;e.lossReported=!0;let n=i=>i.isJoined()||i.isJoining();for(let i of this.channels.
filter(n))n(i)&&i.trigger("phx_error",{source:"transport",reason:t})}call(e,...t){for(let n of this.callbacks.filter(i=>i.kind===e))n.callback(...t)}addCallback(e,t){
let n=this.makeRef();return this.callbacks.push({ref:n,kind:e,callback:t}),n}followPage(){let e;We({hide:()=>{this.isUnderWay()&&(this.disconnect(),e=this.connectClock)},
show:()=>{e===this.connectClock&&this.connect()},wake:()=>this.wake(),network:()=>this.networkChanged(),offline:()=>this.probe()})}networkChanged(){(this.isConnected()||
!S())&&this.wake()}wake(){this.isConnected()?this.probe():!this.closeWasClean&&Date.now()>=this.notBefore&&!this.connection?.isFresh(Ze)&&(this.reconnectTimer.reset(),
this.reconnect())}probe(){this.isConnected()&&this.heartbeat.probe(Ze)}};function et(o){return{join_ref:null,ref:o,topic:"phoenix",event:"heartbeat",payload:{}}}
function Pt(){throw new Error("this host has no WebSocket: give the option transport")}function tt(o){let e=Fe();if(!e)throw new Error(`endpoint "${o}" is relat\
ive and there is no page it could be relative to: give a full URL such as "wss://example.com/socket"`);return e}var xt=100,v=class{skipHeartbeat=!0;plain=!0;timeout=2e4;readyState=f.connecting;onopen=null;onclose=null;onerror=null;onmessage=null;pollEndpoint;endPoint;token=null;canUpgrade=!1;authToken;live=!0;closeEmitted=!1;requests=new Set;outbox=[];posting=!1;polling=!0;received=0;onPosted;onPolled;constructor(e,t){
this.endPoint=e,this.authToken=Je(t),this.pollEndpoint=e.replace(/^ws/,"http").replace(/(.*)\/websocket/,"$1/longpoll"),setTimeout(()=>this.poll(),0)}get bufferedAmount(){
return this.outbox.length}send(e){this.outbox.push(e),this.startPosting()}startPosting(){this.posting||this.onPosted||(this.posting=!0,setTimeout(()=>this.post(),
0))}close(e=1005,t="",n=!0){this.stop(f.closed),this.emitClose({code:e,reason:t,wasClean:n})}hold(){return new Promise(e=>{this.onPosted=e,this.posting||e()})}finish(){
return new Promise(e=>{this.onPolled=e})}resume(){this.onPosted=this.onPolled=void 0,this.live&&(this.outbox.length>0&&this.startPosting(),this.polling||this.poll())}release(){
let e=this.outbox;return this.stop(f.closed),e}async poll(){for(this.polling=!0;this.live&&!this.onPolled;){let e={Accept:"application/json"};this.authToken!==void 0&&
(e["X-Phoenix-AuthToken"]=this.authToken);let t=await this.request("GET",e);t&&this.receive(t)}this.polling=!1,this.inOwnTask(()=>this.onPolled?.(this.received))}receive({
status:e,token:t,messages:n=[],headers:i}){if(e===410&&this.token!==null){this.fail(410,3410,"session_gone",i);return}switch(this.token=t??this.token,e){case 200:
this.received+=n.length;for(let r of n)this.inOwnTask(()=>this.onmessage?.({data:r}));break;case 204:break;case 410:this.canUpgrade=i?.get("roost-upgrade")==="w\
ebsocket",this.inOwnTask(()=>{this.readyState=f.open,this.onopen?.({})});break;case 403:this.fail(403,1008,"forbidden",i,f.closed);break;default:this.fail(e||500,
1011,"internal server error",i)}}inOwnTask(e){setTimeout(()=>{this.live&&e()},0)}async post(){for(;this.live&&this.outbox.length>0&&!this.onPosted;){let e=this.
outbox.slice(0,xt),t=e.map(i=>typeof i=="string"?i:Mt(i)),n=await this.request("POST",{"Content-Type":"application/x-ndjson"},t.join(`
`));if(!n)return;if(n.status!==200){this.fail(n.status||500,1011,"internal server error");return}this.outbox=this.outbox.slice(e.length)}this.posting=!1,this.onPosted?.()}async request(e,t,n){
this.token!==null&&(t["X-Phoenix-Longpoll-Token"]=this.token);let i=new AbortController;this.requests.add(i);let r=!1,s=setTimeout(()=>{r=!0,i.abort()},this.timeout),
a;try{let d=await fetch(this.pollEndpoint,{method:e,headers:t,body:n??null,signal:i.signal,cache:"no-store"});a={...jt(await d.json().catch(()=>null)),headers:d.
headers}}catch{a={status:0}}finally{clearTimeout(s),this.requests.delete(i)}return r&&this.fail("timeout",1005,"timeout"),this.live?a:void 0}fail(e,t,n,i,r=f.connecting){
if(this.live){this.stop(r);try{this.onerror?.(e)}finally{let s=Number(i?.get("retry-after")??0)*1e3;this.emitClose({code:t,reason:n,wasClean:!1,...s>0&&{retryAfterMs:s}})}}}stop(e){
this.live=!1,this.readyState=e,this.outbox=[];for(let t of this.requests)t.abort()}emitClose(e){this.closeEmitted||(this.closeEmitted=!0,this.onclose?.(e))}};function jt(o){
let e=o;return typeof e?.status=="number"?e:{status:0}}function Mt(o){let e="";for(let t of new Uint8Array(o))e+=String.fromCharCode(t);return btoa(e)}var St=1e4,Q=class{longPoll;transport;ended;timer;live=!0;constructor(e,t,n){this.longPoll=e,this.ended=n,this.transport=new t(e.endPoint,["roost.upgrade",`roos\
t.session.${e.token}`]),this.timer=setTimeout(()=>this.fail(),St),this.transport.onopen=()=>{this.transport.protocol==="roost.upgrade"?this.transport.send("prob\
e"):this.fail()},this.transport.onmessage=({data:i})=>{i==="probe"?this.handOver():i==="go"?this.succeed():this.fail()},this.transport.onclose=()=>this.fail(),this.
transport.onerror=()=>{}}cancel(){this.live&&(this.live=!1,clearTimeout(this.timer),this.transport.onopen=this.transport.onmessage=this.transport.onclose=null,this.
transport.close(),this.longPoll.resume())}async handOver(){let{longPoll:e,transport:t}=this;if(await e.hold(),!this.live)return;t.send("upgrade");let n=await e.
finish();this.live&&t.send(`go ${n}`)}succeed(){if(this.longPoll.readyState!==f.open){this.fail();return}this.live=!1,clearTimeout(this.timer),this.ended(this.transport)}fail(){
this.live&&(this.cancel(),this.ended(void 0))}};var nt="phx:fallback:LongPoll",At=o=>([3e4,6e4,12e4][o-1]??3e5)*(1-Math.random()/2),Z=class{socket;thresholdMs;storage;upgradeTimer;timer;refs=[];primaryWorked=!1;primary;upgrade;constructor(e,t,n,i=At){
this.socket=e,this.thresholdMs=t,this.storage=n??Ye(),this.upgradeTimer=new k(()=>this.upgradeNow(),i)}start(e){if(this.cancel(),this.socket.transport===v){this.
watchLongPoll(),this.socket.openTransport(e);return}if(this.storage?.getItem(nt)){this.fallBack("memorized");return}let t=!1,n=this.socket.onError(r=>{t||this.fallBack(
r)}),i=this.socket.onOpen(()=>{t=!0,this.limit("no answer to the ping"),this.socket.ping(r=>{this.socket.log("transport","connected to primary after",r),this.primaryWorked=
!0,clearTimeout(this.timer)})});this.refs=[n,i],this.limit("not open in time");try{this.socket.openTransport(e)}catch(r){throw this.cancel(),r}}cancel(){clearTimeout(
this.timer),this.stopUpgrading(),this.socket.off(this.refs),this.refs=[]}upgradeNow(){let{conn:e,decodesPositions:t,marksBytes:n}=this.socket;if(!(!this.primary||
this.upgrade||!this.socket.isConnected()||!(e instanceof v)||!e.canUpgrade)&&!(!t||!n)){if(this.upgradeTimer.cancel(),S()){this.upgradeTimer.scheduleTimeout();return}
try{this.upgrade=new Q(e,this.primary,i=>this.upgraded(e,i))}catch(i){this.socket.log("transport","cannot leave LongPoll",i),this.upgradeTimer.scheduleTimeout()}}}limit(e){
clearTimeout(this.timer),this.timer=setTimeout(()=>this.fallBack(e),this.thresholdMs)}fallBack(e){this.cancel(),this.socket.log("transport","falling back to Lon\
gPoll...",e),this.primary=this.socket.transport,this.socket.replaceTransport(v),this.socket.reconnect()}watchLongPoll(){if(!this.primary)return;let e=this.socket.
onOpen(()=>{this.socket.log("transport","established LongPoll fallback"),this.primaryWorked||this.remember("true"),this.upgradeTimer.scheduleTimeout()}),t=this.
socket.onClose(()=>this.stopUpgrading());this.refs=[e,t]}upgraded(e,t){this.upgrade=void 0;let{socket:n,primary:i}=this;if(!t||!i){n.log("transport","staying wi\
th LongPoll"),this.upgradeTimer.scheduleTimeout();return}n.log("transport","going on from LongPoll over the primary transport");let r=e.release();this.cancel(),
this.primary=void 0,this.primaryWorked=!0,this.remember(""),n.moveTo(t,i,r)}remember(e){try{this.storage?.setItem(nt,e)}catch{}}stopUpgrading(){this.upgradeTimer.
reset(),this.upgrade?.cancel(),this.upgrade=void 0}};var it=new WeakMap;function ot(o,e,t){let n=it.get(o);n||it.set(o,n=new Map);let i=n.get(e);if(i&&t!==void 0&&!i.hasParams(t)){if(i.holders.size>0)throw new Error(
`"${e}" is shared with other params: leave them out to take part, or use socket.channel() for a conversation of its own`);i.channel.leave(),i=void 0}return i||(i=
new xe(o.channel(e,t),()=>n.delete(e)),n.set(e,i)),new je(i)}var xe=class{channel;holders=new Set;presence;joined;constructor(e,t){this.channel=e,this.presence=
new x(e),e.onClose(t);for(let n of["ok","error","timeout"])e.joinPush.receive(n,i=>this.joinEnded({status:n,response:i}))}hasParams(e){return JSON.stringify(P(e)())===
JSON.stringify(this.channel.params())}catchUp(e){this.channel.isJoined()&&(e.joinEnded(this.joined),queueMicrotask(()=>{this.presence.inPendingSyncState()||e.trigger(
"presence_state",this.presence.state)}))}joinEnded(e){e.status==="ok"&&(this.joined=e);for(let t of[...this.holders])t.joinEnded(e)}leaveSoon(){setTimeout(()=>{
this.holders.size===0&&!this.channel.isClosed()&&this.channel.leave()},0)}},je=class{channel;topic;joinPush;joining=!1;left=!1;conversation;bindings=[];constructor(e){
let{channel:t}=e;this.conversation=e,this.channel=t,this.topic=t.topic,this.joinPush=new m(t,"phx_join",()=>({}),t.timeout),e.holders.add(this)}get state(){return this.
takesPart()?this.channel.state:"closed"}join(e={}){let{topic:t,channel:n,conversation:i,joinPush:r}=this;if(this.joining||this.left)throw new Error(`"${t}" was \
already joined, or left: take part again with socket.share()`);this.joining=!0,n.joinedOnce?i.catchUp(this):n.join(typeof e=="number"?e:{timeout:e.timeout});let s=I(
typeof e=="number"?void 0:e.signal,a=>{r.abort(a),this.leave()});return r.receive("ok",s),this.onClose(s),r}push(e,t,n){if(!this.takesPart())throw new Error(`tr\
ied to push "${e}" to "${this.topic}" before joining, or after leaving`);return this.channel.push(e,t,n)}leave(){let{channel:e,conversation:t,joinPush:n}=this,i=new m(
e,"phx_leave",()=>({}),e.timeout);if(i.settle({status:"ok",response:{}}),this.left)return i;let{bindings:r}=this,s=this.takesPart()&&!e.isClosed();this.left=!0,
this.bindings=[];for(let{event:a,ref:d}of r)e.off(a,d);if(n.abort(new w(n,{status:"closed",response:{}})),t.holders.delete(this),t.leaveSoon(),s)for(let{event:a,
callback:d}of r)a==="phx_close"&&d("leave",null,this.joinRef());return i}on(e,t){let n=this.channel.on(e,(...i)=>{this.takesPart()&&t(...i)});return this.bindings=
[...this.bindings,{event:e,ref:n,callback:t}],n}off(e,t){let n=i=>i.event===e&&(t===void 0||i.ref===t);for(let i of this.bindings.filter(n))this.channel.off(e,i.
ref);this.bindings=this.bindings.filter(i=>!n(i))}onClose(e){return this.on("phx_close",e)}onError(e){return this.on("phx_error",t=>e(t))}joinRef(){return this.
channel.joinRef()}joinEnded(e){this.takesPart()&&this.joinPush.settle(e)}trigger(e,t){for(let n of this.bindings)n.event===e&&this.takesPart()&&n.callback(t,null,
this.joinRef())}takesPart(){return this.joining&&!this.left}};var U=class extends X{fallback;constructor(e,t={}){super(e,{...t,transport:t.transport??G()??v}),t.longPollFallbackMs&&(this.fallback=new Z(this,t.longPollFallbackMs,
t.sessionStorage,t.upgradeAfterMs))}share(e,t){return ot(this,e,t)}getLongPollTransport(){return v}moveTo(e,t,n){e.binaryType=this.binaryType,this.connection?.moveTo(
e);for(let i of n)e.send(i);this.transport=t,this.heartbeat.start(!0),this.call("transport",t)}begin(e){this.fallback?this.fallback.start(e):super.begin(e)}networkChanged(){
super.networkChanged(),this.fallback?.upgradeNow()}abandon(){this.fallback?.cancel(),super.abandon()}};function ee(o,e,t,n){let{topic:i,extensions:r,joinPush:s}=o;if(o.joinedOnce)throw new Error(`channel "${i}" has joined already: make its ${e} before`);if(r.has(
t))throw new Error(`channel "${i}" has its ${e} already`);r.size===0&&s.receive("ok",a=>Rt(r,a)),r.set(t,n)}function te(o,e,t,n){if(T(e))throw new Error(`the jo\
in params of "${o.topic}" are bytes, to which "${t}" cannot be added: use an object`);return{...e,[t]:n}}function Rt(o,e){let t=[...o].map(([n,i])=>{let r=e?.[n];
return r!==void 0&&delete e[n],{extension:i,told:r}});for(let{extension:n,told:i}of t)n.joined(i,e)}var ne="_once",Ot=32,H=class{channel;limit;maxBytes;waiting=new Map;lastNumber=0;session;joinRef=null;paused=!1;pauseTimer;constructor(e,t={}){ee(e,"Outbox",ne,
this),this.channel=e,this.limit=t.limit??100,this.maxBytes=t.maxBytes??64e3,this.pauseTimer=new k(()=>this.resume(),_t),e.onClose(()=>{this.pauseTimer.reset(),this.
giveUp("closed")})}get size(){return this.waiting.size}push(e,t={},n={}){let{channel:i,limit:r,waiting:s}=this;if(!i.joinedOnce)throw new Error(`tried to push "${e}\
" to "${i.topic}" before joining: call join() first`);if(s.size>=r)throw new Error(`cannot push "${e}" to "${i.topic}": ${r} pushes wait for their answers, and \
that is the limit`);let{timeout:a=1/0,signal:d}=typeof n=="number"?{timeout:n}:n,c=new Me(this,this.lastNumber+1,e,Lt(this,e,t),a);return d?.aborted||this.keep(
c),c.heed(d),c}ask(e){return te(this.channel,e,ne,this.session===void 0?!0:{session:this.session})}joined(e){e?.kept||this.giveUp(),this.session=e?.session,this.
joinRef=this.channel.joinRef(),this.pauseTimer.reset(),this.resume()}get done(){let[e]=this.waiting.keys();return e-1}settles(e,{status:t,response:n}){return t===
"error"&&n?.[ne]==="again"?(e.refused(),this.paused||this.pauseTimer.scheduleTimeout(this.channel.socket.stayAway(n.retry_after_ms)),this.paused=!0,!1):(this.waiting.
delete(e.number),this.paused||this.pauseTimer.reset(),this.flush(),!0)}forget(e){this.waiting.delete(e.number)&&this.flush()}keep(e){this.lastNumber=e.number,this.
waiting.set(e.number,e),this.channel.isClosed()?this.giveUp("closed"):this.flush()}resume(){this.paused=!1,this.flush()}flush(){let{channel:e,joinRef:t,waiting:n}=this;
if(this.paused||!e.canPush()||t!==e.joinRef())return;this.session===void 0&&this.giveUp("not_supported");let i=0;for(let r of n.values()){if(i++===Ot)return;if(r.
sentIn!==t)try{r.send()}catch(s){this.fail(r,s instanceof Error?s.message:String(s))}}}giveUp(e){for(let t of this.waiting.values()){let n=t.unanswered>0?"outco\
me_unknown":e;n&&this.fail(t,n)}}fail(e,t){this.waiting.delete(e.number),queueMicrotask(()=>e.trigger("error",{reason:t}))}},Me=class extends m{number;sentIn=null;unanswered=0;outbox;constructor(e,t,n,i,r){
super(e.channel,n,()=>i,r),this.outbox=e,this.number=t,this.startTimeout()}send(){this.transmit(),this.sentIn=this.channel.joinRef(),this.unanswered++}refused(){
this.sentIn=null,this.unanswered--}drop(){this.outbox.forget(this)}message(){let e=super.message(),t={id:this.number,done:this.outbox.done};return T(e.payload)?
{...e,mark:JSON.stringify(t)}:{...e,payload:{...e.payload,[ne]:t}}}settle(e){this.outbox.settles(this,e)&&super.settle(e)}};function Lt({channel:o,maxBytes:e},t,n){
let i=T(n)?.slice();if(i&&!o.socket.marksBytes)throw new Error(`cannot mark the bytes of "${t}": the socket has an encode of its own, which has no room for it`);
let r=i?"":JSON.stringify(n)??"";if(!i&&!r.startsWith("{"))throw new Error(`cannot mark the payload of "${t}": it must be an object, or bytes`);let s=i?i.length:
new TextEncoder().encode(r).length;if(s>e)throw new Error(`cannot push "${t}": its payload of ${s} bytes is larger than maxBytes, ${e}`);return i??JSON.parse(r)}
function _t(o){return[50,100,200,500,1e3,2e3][o-1]??5e3}var ie=class{storage;key;topic;unwritten;timer;constructor(e,t,n){this.storage=e,this.key=t,this.topic=n}read(){let e=this.load().get(this.topic);return typeof e==
"string"?e:void 0}save(e){this.unwritten=e,this.timer??=setTimeout(()=>this.flush(),1e3)}flush(){this.unwritten!==void 0&&this.write(this.unwritten)}forget(){this.
write(void 0)}write(e){clearTimeout(this.timer),this.timer=this.unwritten=void 0;let t=this.load(),n=t.delete(this.topic);if(e!==void 0)t.set(this.topic,e);else if(!n)
return;let i=[...t].slice(-100);try{this.storage.setItem(this.key,JSON.stringify(i))}catch{}}load(){try{return new Map(JSON.parse(this.storage.getItem(this.key)??
"[]"))}catch{return new Map}}};var Se="_history",D=class{channel;position;stored;recoveredCallback=()=>{};gapCallback=()=>{};constructor(e,t={}){ee(e,"Recovery",Se,this),this.channel=e,t.storage&&
(this.stored=this.openStorage(t.storage,t.scope??"")),this.position=this.stored?.read()}onRecovered(e){this.recoveredCallback=e}onGap(e){this.gapCallback=e}ask(e){
return te(this.channel,e,Se,{after:this.position,binary:this.channel.socket.decodesPositions})}takes(e){let{ref:t,event:n,payload:i}=e;if(!It(t))return!1;if(!this.
channel.isJoined())return!0;if(this.moveTo(t),n!==Se)return!1;let{recovered:r,skipped:s}=i;return r!==void 0&&this.recoveredCallback(r),s&&this.gapCallback(void 0),
!0}joined(e,t){let n=e?e.recovered===!1:this.position!==void 0;this.moveTo(e?.position),n&&this.gapCallback(t)}moveTo(e){this.position=e,e===void 0?this.stored?.
forget():this.stored?.save(e)}openStorage(e,t){let{channel:n}=this,i=new ie(e,`roost:${n.socket.endPoint}:${t}`,n.topic),r=Ve(()=>i.flush());return n.onClose(()=>{
r(),i.forget()}),i}};function It(o){return Number.isNaN(Number(o??0))}function rt(o,e,t){return o.channel(`videos:${e.id}`,t)}var $t=2500,Nt=o=>[5e3,3e4][o-1]??12e4,Bt=2e3,oe=class{constructor(e,t,n,i){this.told=i;this.socket=new U(e,{authToken:t,longPollFallbackMs:$t,upgradeAfterMs:Nt}),
this.channel=rt(this.socket,{id:n},()=>({revision:this.revision})),new D(this.channel),this.outbox=new H(this.channel)}told;socket;channel;outbox;revision=0;more=!1;lastTyping=0;start(){
this.channel.on("video_deleted",()=>this.told.ended("not found")),this.channel.onClose(e=>this.told.ended(e?.reason??"")),this.channel.join().receive("ok",e=>this.
joined(e)).receive("error",({reason:e})=>{this.told.refused(e),e==="not found"&&this.channel.leave()}),this.socket.connect()}async send(e,t){return this.outbox.
push(e,t)}typing(){let e=Date.now();e-this.lastTyping<Bt||!this.channel.isJoined()||(this.lastTyping=e,this.channel.push("typing"))}get polls(){return this.socket.
transport===v}joined(e){this.told.joined(e),e.resumed?this.askForMore():this.show({...e,more:e.more||this.more})}show(e){this.told.page(e,this.revision===0),this.
revision=e.revision,this.more=e.more,this.askForMore()}askForMore(){this.more&&this.channel.push("more_annotations",{revision:this.revision}).receive("ok",e=>this.
show(e))}};function A(o){if(!(o instanceof w))return"Too much waits to be sent.";let{field:e,error:t}=o.response;switch(o.reason){case"invalid payload":return e===
"body"?`Your text ${t}.`:`The ${e} ${t}.`;case"rate limited":case"busy":return"That was too fast.";case"muted":return"You are muted.";case"not found":return"It \
is not there any more.";case"not allowed":return"That is not yours to do.";default:return Ae(o)?"Nobody knows whether that was kept.":"That could not be kept."}}
function Ae(o){return o instanceof w&&["outcome_unknown","crashed"].includes(o.reason)}function re(o,e){let t=l("confirm");return l("confirm-question").textContent=o,l("confirm-yes").textContent=e,t.returnValue="",t.showModal(),new Promise(n=>{t.addEventListener(
"close",()=>n(t.returnValue==="yes"),{once:!0})})}var R=class{constructor(e,t,n,i){this.body=t;this.attempt=n;this.settled=i;let r=h("p","body",t);this.row.dataset.testid="pending",this.row.tabIndex=-1,this.state.
setAttribute("role","status"),this.row.append(C(e.id,e.name),h("span","name",`${e.name} (you)`),r,this.state),this.send()}body;attempt;settled;row=h("li","pendi\
ng");uncertain=!1;onDiscard=()=>{};onUncertain=()=>{};state=h("p","state");discard(){this.onDiscard()}send(){this.uncertain=!1,this.row.classList.remove("failed"),
this.state.replaceChildren("Sending…"),this.attempt().then(e=>{this.discard(),this.settled(e)},e=>this.fail(e))}fail(e){this.uncertain=Ae(e),this.row.classList.
add("failed"),this.state.replaceChildren(`${A(e)} `,g("Try again",()=>this.send()),g("Discard",()=>this.discard())),this.uncertain&&this.onUncertain()}};var O=class{constructor(e,t,n){this.list=e;this.hint=t;this.badge=n;e.addEventListener("scroll",()=>this.look(),{passive:!0}),new ResizeObserver(()=>this.look()).
observe(e),t.addEventListener("click",()=>this.go())}list;hint;badge;rows=new Set;add(e){this.rows.add(e),this.look()}forget(e){this.rows.delete(e),this.look()}go(){
let[e]=this.rows;e&&(se(this.list,e),e.focus({preventScroll:!0}))}look(){for(let t of this.rows)this.sees(t)&&this.rows.delete(t);let e=this.rows.size;this.hint.
hidden=e===0,this.hint.textContent=`${e} new`,this.badge.hidden=e===0,this.badge.textContent=String(e)}sees(e){let{top:t,bottom:n,height:i}=this.list.getBoundingClientRect(),
r=e.getBoundingClientRect();return i>0&&r.top<n-8&&r.bottom>t+8}};function se(o,e){let t=e.offsetTop-(o.clientHeight-e.clientHeight)/2;o.scrollTo({top:t,behavior:Re()?
"auto":"smooth"})}function Re(){return matchMedia("(prefers-reduced-motion: reduce)").matches}var Ut=5e3,Ht=200,ae=class{constructor(e,t,n,i,r,s){this.me=e;this.maxBody=t;this.player=n;this.timeline=i;this.conversation=r;this.announcer=s;n.onChange(()=>this.
follow())}me;maxBody;player;timeline;conversation;announcer;revisions=new Map;items=[];byId=new Map;list=l("annotations");empty=l("annotations-empty");number=l(
"annotation-count");caption=l("caption");unread=new O(this.list,l("annotations-new"),l("annotations-badge"));captioned;show({annotations:e,removed:t},n){n&&this.
clear();for(let i of e)this.put(i);for(let i of t)this.take(i);this.list.removeAttribute("aria-busy"),this.empty.textContent="Nothing yet. Play the video, and b\
e the first to say something.",this.changed()}add(e){let t=this.byId.has(e.id),n=this.put(e);this.changed(),!(!n||t||e.user.id===this.me.id)&&(this.unread.add(n.
row),this.announcer.came("annotation"))}remove(e){this.take(e),this.changed()}write(e,t){let n=()=>this.conversation.send("new_annotation",{at:e,body:t}),i=new R(
this.me,t,n,s=>this.add(s)),r={at:e,row:i.row,pending:i};i.row.prepend(h("span","time",b(e))),i.onUncertain=()=>this.changed(),i.onDiscard=()=>{this.takeAway(r),
this.changed()},this.insert(r),this.changed(),se(this.list,i.row)}failed(e){this.list.removeAttribute("aria-busy"),this.empty.textContent=e}put(e){if(!this.isNews(
e))return;let{id:t,at:n,user:i}=e,r=this.byId.get(t),s={at:n,annotation:e,row:$e(e,i.id===this.me.id,this.maxBody,this.actions(e))};return this.byId.set(t,s),this.
timeline.add(t,n,i.id),r?this.replace(r,s):this.insert(s),s}take(e){this.isNews(e)&&this.drop(e.id)}drop(e){let t=this.byId.get(e);t&&(this.byId.delete(e),this.
timeline.remove(e),this.takeAway(t))}clear(){for(let e of[...this.byId.keys()])this.drop(e);this.revisions.clear()}isNews({id:e,revision:t}){return(this.revisions.
get(e)??0)>=t?!1:(this.revisions.set(e,t),!0)}actions({id:e,at:t,user:n,body:i}){let r=n.id===this.me.id;return{seek:()=>this.player.seek(t),edit:r?s=>{this.change(
e,async()=>this.add(await this.conversation.send("edit_annotation",{id:e,body:s})))}:void 0,remove:r||this.me.isOwner?()=>{this.askToRemove(e,i)}:void 0}}async askToRemove(e,t){
await re(`Delete “${t}”?`,"Delete")&&await this.change(e,async()=>this.remove(await this.conversation.send("remove_annotation",{id:e})))}async change(e,t){let n=this.
byId.get(e)?.row;n?.setAttribute("aria-busy","true");try{await t()}catch(i){this.announcer.alert(A(i))}n?.removeAttribute("aria-busy")}insert(e){let t=this.items.
length;for(;t>0&&e.at<this.items[t-1].at;)t--;this.list.insertBefore(e.row,this.items[t]?.row??null),this.items.splice(t,0,e),this.moved(t+1,-e.row.offsetHeight)}replace(e,t){
this.items[this.items.indexOf(e)]=t;let n=e.row.contains(document.activeElement);e.row.replaceWith(t.row),n&&t.row.focus()}takeAway(e){let t=this.items.indexOf(
e);if(t<0)return;let{row:n}=e,i=n.offsetHeight;n.contains(document.activeElement)&&(this.items[t+1]?.row??this.list).focus(),n.remove(),this.unread.forget(n),this.
items.splice(t,1),this.moved(t,i)}moved(e,t){if(!(Re()||this.list.offsetHeight===0||this.list.ariaBusy))for(let{row:n}of this.items.slice(e))n.animate([{transform:`\
translateY(${t}px)`},{transform:"none"}],Ht)}changed(){this.dropKept();let e=this.items.length;this.number.textContent=e>0?String(e):"",this.empty.hidden=e>0,this.
timeline.follow(),this.follow()}dropKept(){for(let{at:e,pending:t}of[...this.items]){if(!t?.uncertain)continue;let n=i=>i?.user.id===this.me.id&&i.at===e&&i.body===
t.body;this.items.some(({annotation:i})=>n(i))&&t.discard()}}follow(){let e=this.player.now(),t;for(let n of this.items){let i=n.at<=e&&e<n.at+Ut;n.row.classList.
toggle("current",i),n.annotation&&(this.timeline.highlight(n.annotation.id,i),i&&(t=n))}this.showCaption(t)}showCaption(e){if(e?.annotation===this.captioned?.annotation||
(this.captioned=e,this.caption.hidden=!e,!e?.annotation))return;let{user:t,body:n}=e.annotation;this.caption.replaceChildren(h("strong","",t.name)," ",n),this.list.
matches(":hover, :focus-within")||se(this.list,e.row)}};var Dt=6e3,Jt=6e3,de=class{region=l("announcer");toast=l("toast");toastTimer;counts=new Map;timer;came(e){this.counts.set(e,(this.counts.get(e)??0)+1),this.timer??=
setTimeout(()=>this.tell(),Dt)}alert(e){this.toast.textContent=e,this.toast.hidden=!1,clearTimeout(this.toastTimer),this.toastTimer=setTimeout(()=>this.toast.hidden=
!0,Jt)}tell(){this.timer=void 0,this.region.textContent=[...this.counts].map(([e,t])=>`${t} new ${e}${t>1?"s":""}`).join(", "),this.counts.clear()}};var Wt=40,Vt=new Intl.DateTimeFormat(void 0,{hour:"numeric",minute:"2-digit"}),le=class{constructor(e,t,n){this.me=e;this.conversation=t;this.announcer=n;this.list.
addEventListener("scroll",()=>this.follows=this.atEnd(),{passive:!0}),new ResizeObserver(()=>this.follows&&this.toEnd()).observe(this.list)}me;conversation;announcer;messages=new Map;list=l(
"messages");empty=l("messages-empty");follows=!0;unread=new O(this.list,l("messages-new"),l("chat-badge"));reset(e){for(let n of this.list.querySelectorAll("[da\
ta-id]"))n.remove();this.messages.clear();let t=this.list.firstElementChild;for(let n of e)this.insert(n,t);this.list.removeAttribute("aria-busy"),this.empty.textContent=
"Nobody has said anything yet.",this.toEnd()}add(e){if(this.messages.has(e.id))return;let t=this.insert(e);(this.follows||e.user.id===this.me.id)&&this.toEnd(),
e.user.id!==this.me.id&&(this.unread.add(t),this.announcer.came("message"))}say(e){let t=()=>this.conversation.send("new_message",{body:e}),n=new R(this.me,e,t,
s=>this.add(s)),i=Math.max(0,...this.messages.keys()),r=s=>s.id>i&&s.user.id===this.me.id&&s.body===e;n.onUncertain=()=>{[...this.messages.values()].some(r)&&n.
discard()},n.onDiscard=()=>n.row.remove(),this.list.append(n.row),this.empty.hidden=!0,this.toEnd()}insert(e,t=null){let{id:n,user:i,body:r,sent_at:s,muted:a}=e,
d=h("li");d.dataset.id=String(n),d.dataset.testid="message",d.tabIndex=-1;let c=h("time","sent",Vt.format(s));c.dateTime=new Date(s).toISOString();let u=i.id===
this.me.id,p=h("span","name",u?`${i.name} (you)`:i.name);a&&p.append(" ",h("small","muted",u?"hidden from others":"muted"));let E=h("p","body",r);return E.dataset.
testid="message-text",d.append(C(i.id,i.name),p,c,E),this.messages.set(n,e),this.list.insertBefore(d,t),this.empty.hidden=!0,d}atEnd(){let{scrollHeight:e,scrollTop:t,
clientHeight:n}=this.list;return e-t-n<Wt}toEnd(){this.list.scrollTop=this.list.scrollHeight}};var J=class{constructor(e,t,n){this.send=t;this.typing=n;this.form=l(e),this.input=this.form.querySelector("input"),this.form.addEventListener("submit",i=>{i.preventDefault(),
this.submit()}),this.input.addEventListener("input",()=>{this.input.value.trim()!==""&&this.typing()})}send;typing;input;form;close(){this.form.hidden=!0}submit(){
let e=this.input.value.trim();e!==""&&(this.input.value="",this.send(e),this.input.dispatchEvent(new Event("input")))}};var Ft=4,ce=class{constructor(e){this.conversation=e;let{socket:t,channel:n}=e;t.onReconnect(i=>this.waits(i)),t.onClose(()=>this.offline()),t.onError(()=>this.
failed()),t.onOpen(()=>this.showTransport()),t.onTransport(()=>this.showTransport()),n.onError(()=>this.offline()),this.tryNow.addEventListener("click",()=>{this.
showCountdown("Trying…"),t.disconnect(()=>t.connect())})}conversation;banner=l("offline");text=l("offline-text");countdown=l("countdown");tryNow=l("try-now");logIn=l(
"offline-login");node=l("node");transport=l("transport");failures=0;nextTry=0;timer;online(e){this.failures=0,this.stop(),this.banner.hidden=!0,this.node.hidden=
e===void 0,this.node.textContent=`node ${e}`,this.showTransport()}close(){this.online(),this.transport.hidden=!0}offline(){this.conversation.channel.isClosed()||
(this.node.hidden=!0,this.banner.hidden&&(this.banner.hidden=!1,this.text.textContent="You are offline. What you write is sent when you are back.",this.showCountdown(
"Reconnecting…")))}failed(){this.offline(),++this.failures%Ft===0&&this.checkSession()}waits(e){this.nextTry=Date.now()+e,clearInterval(this.timer),this.timer=
setInterval(()=>this.tick(),250),this.tick()}tick(){let e=Math.ceil((this.nextTry-Date.now())/1e3);this.showCountdown(e>0?`Next try in ${e} s.`:"Trying…"),e<=
0&&this.stop()}showCountdown(e){this.countdown.textContent!==e&&(this.countdown.textContent=e)}showTransport(){this.transport.hidden=!this.conversation.polls}stop(){
clearInterval(this.timer)}async checkSession(){(await fetch("/session",{cache:"no-store"}).catch(()=>null))?.status===401&&(this.text.textContent="You are logge\
d out.",this.logIn.hidden=!1,this.tryNow.hidden=!0,this.countdown.hidden=!0)}};function he(o){let e=document.createElement("p");return e.className="notice",e.setAttribute("role","status"),e.textContent=`${o} You can still read the annotati\
ons.`,e}var ue=class{constructor(e){this.video=e;e.error?this.fail():e.addEventListener("error",()=>this.fail())}video;now(){return Math.round(this.video.currentTime*1e3)}length(){
let e=this.video.duration;return Number.isFinite(e)?Math.round(e*1e3):0}seek(e){this.video.currentTime=e/1e3}onChange(e){for(let t of["timeupdate","seeking","du\
rationchange","ended"])this.video.addEventListener(t,e)}fail(){this.video.replaceWith(he("This video cannot be played. It may have moved."))}};var Yt="https://www.youtube.com/iframe_api",zt=250,pe=class{player=null;callbacks=[];last=-1;constructor(e,t){window.onYouTubeIframeAPIReady=()=>{let i=new window.
YT.Player(e,{host:"https://www.youtube-nocookie.com",videoId:t,playerVars:{origin:location.origin,playsinline:1,rel:0},events:{onReady:()=>this.ready(i)}})};let n=document.
createElement("script");n.src=Yt,n.addEventListener("error",()=>document.getElementById(e)?.replaceWith(he("YouTube cannot be reached."))),document.head.append(
n)}now(){return Math.round((this.player?.getCurrentTime()??0)*1e3)}length(){return Math.round((this.player?.getDuration()??0)*1e3)}seek(e){this.player?.seekTo(e/
1e3,!0)}onChange(e){this.callbacks.push(e)}ready(e){this.player=e,setInterval(()=>this.tick(),zt),this.tell()}tick(){let e=this.now();e!==this.last&&(this.last=
e,this.tell())}tell(){for(let e of this.callbacks)e()}};function st(o,e){return o==="youtube"?new pe("youtube-player",e):new ue(document.querySelector("#video"))}function at(){let o=l("watch"),t=[...l("tabs").querySelectorAll("[role=tab]")],n=t.map(a=>l(a.getAttribute("aria-controls"))),i=a=>{o.dataset.tab=a.dataset.tab;
for(let d of t)d.ariaSelected=String(d===a),d.tabIndex=d===a?0:-1};for(let[a,d]of t.entries())d.addEventListener("click",()=>i(d)),d.addEventListener("keydown",
({key:c})=>{let u={ArrowRight:1,ArrowLeft:-1}[c],p=u&&t[(a+u+t.length)%t.length];p&&(i(p),p.focus())});let r=matchMedia("(width < 62rem)"),s=()=>{for(let a of n)
r.matches?a.setAttribute("role","tabpanel"):a.removeAttribute("role")};r.addEventListener("change",s),s()}var fe=class{constructor(e){this.player=e;this.slider.addEventListener("input",()=>e.seek(Number(this.slider.value))),this.previous.addEventListener("click",()=>this.
go(this.before())),this.next.addEventListener("click",()=>this.go(this.after())),e.onChange(()=>this.follow()),this.follow()}player;slider=l("timeline");track=l(
"marks");previous=l("previous");next=l("next");marks=new Map;length=0;add(e,t,n){this.remove(e);let i=h("span",`mark tint-${n%6}`);this.marks.set(e,{at:t,mark:i}),
this.track.append(i),this.place(t,i)}remove(e){this.marks.get(e)?.mark.remove(),this.marks.delete(e)}highlight(e,t){this.marks.get(e)?.mark.classList.toggle("cu\
rrent",t)}follow(){let e=this.player.now();if(this.player.length()!==this.length){this.length=this.player.length(),this.slider.max=String(this.length);for(let{at:t,
mark:n}of this.marks.values())this.place(t,n)}this.slider.disabled=this.length===0,this.slider.value=String(e),this.slider.setAttribute("aria-valuetext",`${b(e)}\
 of ${b(this.length)}`),this.slider.style.setProperty("--played",this.length>0?`${100*e/this.length}%`:"0%"),this.previous.disabled=this.before()===void 0,this.
next.disabled=this.after()===void 0}before(){let e=this.player.now()-500;return dt([...this.marks.values()].map(({at:t})=>t).filter(t=>t<e))}after(){let e=this.
player.now();return dt([...this.marks.values()].map(({at:t})=>-t).filter(t=>-t>e&&-t<=this.length),-1)}go(e){e!==void 0&&this.player.seek(e)}place(e,t){t.hidden=
this.length===0||e>this.length,t.hidden||(t.style.insetInlineStart=`${100*e/this.length}%`)}};function dt(o,e=1){return o.length>0?e*Math.max(...o):void 0}var me=class{constructor(e,t,n,i){this.me=e;this.ownerId=t;this.conversation=n;this.announcer=i;this.presence=new x(n.channel),this.presence.onSync(()=>this.show())}me;ownerId;conversation;announcer;list=l(
"viewers");number=l("viewer-count");typing=document.querySelectorAll(".typing");presence;muted=new Map;setMuted(e){this.muted=new Map(e.map(({id:t,name:n})=>[t,
n])),this.show()}mute({user:e,muted:t}){t?this.muted.set(e.id,e.name):this.muted.delete(e.id),this.show()}show(){let e=this.presence.list((r,{metas:s})=>({id:Number(
r),name:s[0]?.name??"",pages:s.length,typing:s.some(({typing:a})=>a)})),t=[...this.muted].filter(([r])=>!e.some(s=>s.id===r)),n=[...e,...t.map(([r,s])=>({id:r,name:s,
pages:0,typing:!1}))];n.sort((r,s)=>+(s.id===this.me.id)-+(r.id===this.me.id)||r.name.localeCompare(s.name)||r.id-s.id);let i=this.list.contains(document.activeElement)&&
document.activeElement?.closest("li")?.dataset.userId;this.list.replaceChildren(...n.map(r=>this.row(r))),i&&this.list.querySelector(`[data-user-id="${i}"] butt\
on`)?.focus(),this.number.textContent=String(e.length),this.showTyping(e.filter(({id:r,typing:s})=>s&&r!==this.me.id))}showTyping(e){let[t,n,...i]=e.map(({name:s})=>s),
r="";t&&(r=`${t} is writing…`),n&&(r=i.length>0?`${t}, ${n} and others are writing…`:`${t} and ${n} are writing…`);for(let s of this.typing)s.textContent=
r}row({id:e,name:t,pages:n,typing:i}){let r=h("li",i?"writes":"");if(r.dataset.userId=String(e),r.dataset.sessions=String(n),r.dataset.testid="viewer",r.append(
C(e,t),h("span","name",e===this.me.id?`${t} (you)`:t)),n>1){let s=h("span","times",`×${n}`);s.title=`on ${n} pages`,r.append(s)}return i&&r.append(h("span","fo\
r-ears","is writing")),e===this.ownerId&&r.append(h("span","role","owner")),this.muted.has(e)&&r.append(h("span","role",n>0?"muted":"muted, away")),this.me.isOwner&&
e!==this.me.id&&r.append(...this.tools(e,t,n>0)),r}tools(e,t,n){let i=this.muted.has(e),r=()=>{this.moderate(async()=>this.mute(await this.conversation.send("mu\
te_viewer",{user_id:e,muted:!i})))},s=()=>{this.moderate(async()=>{await re(`Send ${t} away from this video?`,"Send away")&&await this.conversation.send("kick_v\
iewer",{user_id:e})})},a=[g(`${i?"Unmute":"Mute"} ${t}`,r,i?"unmute":"mute")];return n&&a.push(g(`Send ${t} away`,s,"kick")),a}async moderate(e){try{await e()}catch(t){
this.announcer.alert(A(t))}}};var y=l("watch").dataset,qt=Number(y.ownerId),V={id:Number(y.userId),name:y.userName,isOwner:y.ownerId===y.userId},Kt=Number(y.maxBody);at();var Oe=new de,L=st(
y.sourceKind,y.sourceRef),M=new oe(y.socketUrl,y.socketToken,y.videoId,{joined:Xt,page:(o,e)=>_.show(o,e),refused:Qt,ended:Zt}),{channel:F}=M,ht=new ce(M),_=new ae(
V,Kt,L,new fe(L),M,Oe),Le=new le(V,M,Oe),ut=new me(V,qt,M,Oe),lt=()=>M.typing(),pt=[new J("annotation-form",en,lt),new J("message-form",o=>Le.say(o),lt)],W=null,
ct=pt[0].input,Gt=l("annotation-at");ct.addEventListener("input",()=>{ct.value===""?W=null:W??=L.now(),_e()});L.onChange(_e);_e();F.on("annotation_added",o=>_.add(
o));F.on("annotation_edited",o=>_.add(o));F.on("annotation_removed",o=>_.remove(o));F.on("message_added",o=>Le.add(o));F.on("viewer_muted",o=>{o.user.id===V.id?
ft(o.muted):ut.mute(o)});M.start();function Xt(o){ht.online(o.node),ft(o.muted),V.isOwner&&ut.setMuted(o.muted_viewers??[]),o.resumed||Le.reset(o.messages)}function Qt(o){
o!=="not found"&&_.failed("The annotations cannot be loaded at the moment. Trying again…")}function Zt(o){let e=l("ended");if(!e.hidden)return;let[t,n]={"not \
found":["This video is gone","Its owner has deleted it, with all annotations."],"kicked by the owner":["You were sent away","The owner of this video has ended y\
our visit. You no longer see what others write here."]}[o]??["That was it","The server has ended this conversation. Load the page anew to come back."];l("ended-\
title").textContent=t,l("ended-text").textContent=n,e.hidden=!1,ht.close();for(let i of pt)i.close();l("watch").classList.add("over"),e.focus()}function ft(o){l(
"muted").hidden=!o}function en(o){_.write(W??L.now(),o),W=null}function _e(){Gt.textContent=b(W??L.now())}
