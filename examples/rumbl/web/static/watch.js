function v(o){return typeof o=="function"?o:()=>o}function X(o,e){let t=re(e,"");return t.length===0?o:o+(o.includes("?")?"&":"?")+t.join("&")}function re(o,e){
return Object.entries(o).flatMap(([t,n])=>{let i=e?`${e}[${t}]`:t;return n==null?[]:typeof n=="object"?re(n,i):[`${encodeURIComponent(i)}=${encodeURIComponent(String(
n))}`]})}var u=class{channel;event;timeout;sent=!1;ref=null;payload;reply=null;refEvent=null;timeoutTimer;hooks=[];constructor(e,t,n,i){this.channel=e,this.event=t,this.
payload=n,this.timeout=i}receive(e,t){return this.hasReceived(e)&&t(this.reply.response),this.hooks.push({status:e,callback:t}),this}send(){this.hasReceived("ti\
meout")||(this.startTimeout(),this.transmit())}resend(e){this.timeout=e,this.reset(),this.send()}reset(){this.cancelTimeout(),this.cancelRefEvent(),this.ref=null,
this.reply=null,this.sent=!1}startTimeout(){this.cancelTimeout(),this.cancelRefEvent(),this.ref=this.channel.socket.makeRef(),this.refEvent=this.channel.replyEventName(
this.ref),this.channel.on(this.refEvent,e=>this.settle(e)),this.timeout!==1/0&&(this.timeoutTimer=setTimeout(()=>this.trigger("timeout",{}),this.timeout))}cancelTimeout(){
clearTimeout(this.timeoutTimer)}trigger(e,t){this.refEvent&&this.channel.trigger(this.refEvent,{status:e,response:t})}transmit(){this.sent=!0;let{channel:e}=this,
t=this.message();e.socket.push(t,()=>t.join_ref===e.joinRef()&&!e.isClosed())}message(){let{channel:e,ref:t,event:n}=this;return{join_ref:e.joinRef(),ref:t,topic:e.
topic,event:n,payload:this.payload()}}settle(e){this.cancelRefEvent(),this.cancelTimeout(),this.reply=e;for(let t of this.hooks.filter(({status:n})=>n===e.status))
t.callback(e.response)}cancelRefEvent(){this.refEvent&&this.channel.off(this.refEvent),this.refEvent=null}hasReceived(e){return this.reply?.status===e}};var p=class{callback;delayMs;handle;tries=0;constructor(e,t){this.callback=e,this.delayMs=t}scheduleTimeout(){this.cancel();let e=this.tries+1,t=this.delayMs(e);
return this.handle=setTimeout(()=>{this.tries=e,this.callback()},t),[t,e]}cancel(){clearTimeout(this.handle)}reset(){this.cancel(),this.tries=0}};var R=class{state="closed";topic;params;socket;timeout;joinedOnce=!1;joinPush;pushBuffer=[];bindings=new Map;bindingRef=0;rejoinTimer;stateChangeRefs;extensions=new Map;constructor(e,t,n){
this.topic=e,this.params=v(t??{}),this.socket=n,this.timeout=n.timeout,this.joinPush=new u(this,"phx_join",()=>this.joinParams(),this.timeout),this.rejoinTimer=
new p(()=>{n.isConnected()&&this.rejoin()},n.rejoinAfterMs),this.stateChangeRefs=[n.onError(()=>this.rejoinTimer.reset()),n.onOpen(()=>{this.rejoinTimer.reset(),
this.isErrored()&&this.rejoin()})],this.joinPush.receive("ok",()=>this.joined()).receive("error",()=>this.failed()).receive("timeout",()=>this.joinTimedOut()),this.
onClose(()=>this.closed()),this.onError(i=>this.crashed(i)),this.on("phx_reply",(i,r)=>this.trigger(this.replyEventName(r),i))}join(e=this.timeout){if(this.joinedOnce)
throw new Error(`channel "${this.topic}" was already joined: it rejoins by itself, and after leave() a new one is made with socket.channel()`);return this.timeout=
e,this.joinedOnce=!0,this.rejoin(),this.joinPush}push(e,t={},n=this.timeout){if(!this.joinedOnce)throw new Error(`tried to push "${e}" to "${this.topic}" before\
 joining: call join() first`);let i=new u(this,e,()=>t??{},n);return this.canPush()?(i.send(),i):(i.startTimeout(),i.receive("timeout",()=>{this.pushBuffer=this.
pushBuffer.filter(r=>r!==i)}),this.pushBuffer=[...this.pushBuffer,i],i)}leave(e=this.timeout){this.rejoinTimer.reset(),this.joinPush.cancelTimeout(),this.state=
"leaving";let t=new u(this,"phx_leave",()=>({}),e);return t.receive("ok",()=>this.trigger("phx_close","leave")),this.joinRef()!==null?t.send():t.startTimeout(),
t.trigger("ok",{}),t}on(e,t){let n=this.bindingRef++;return this.bindings.set(e,[...this.bindings.get(e)??[],{ref:n,callback:t}]),n}off(e,t){let n=t===void 0?[]:
(this.bindings.get(e)??[]).filter(i=>i.ref!==t);n.length>0?this.bindings.set(e,n):this.bindings.delete(e)}onClose(e){return this.on("phx_close",e)}onError(e){return this.
on("phx_error",t=>e(t))}onMessage(e,t,n,i){return t}joinRef(){return this.joinPush.ref}receive(e){let{topic:t,event:n,payload:i,ref:r,join_ref:s}=e;if(this.isMember(
t,n,i,s)){for(let a of this.extensions.values())if(a.takes?.(e))return;this.trigger(n,i,r,s)}}isMember(e,t,n,i){return this.topic!==e?!1:!i||i===this.joinRef()?
!0:(this.socket.log("channel","dropping outdated message",{topic:e,event:t,payload:n,joinRef:i}),!1)}trigger(e,t,n=null,i=null){let r=this.onMessage(e,t,n,i);if(t&&
!r)throw new Error("channel onMessage callbacks must return the payload, modified or unmodified");for(let{callback:s}of this.bindings.get(e)??[])s(r,n,i??this.joinRef())}replyEventName(e){
return`chan_reply_${e}`}canPush(){return this.socket.isConnected()&&this.isJoined()}isClosed(){return this.state==="closed"}isErrored(){return this.state==="err\
ored"}isJoined(){return this.state==="joined"}isJoining(){return this.state==="joining"}isLeaving(){return this.state==="leaving"}joinParams(){let e=this.params();
for(let t of this.extensions.values())e=t.ask(e);return e}rejoin(){this.isLeaving()||(this.socket.leaveOpenTopic(this.topic),this.state="joining",this.joinPush.
resend(this.timeout))}joined(){this.state="joined",this.rejoinTimer.reset();let e=this.pushBuffer;this.pushBuffer=[];for(let t of e)try{t.send()}catch(n){t.trigger(
"error",{reason:n instanceof Error?n.message:String(n)})}}failed(){this.state="errored",this.socket.isConnected()&&this.rejoinTimer.scheduleTimeout()}joinTimedOut(){
let e=this.joinRef();this.socket.log("channel",`timeout ${this.topic} (${e})`,this.joinPush.timeout),this.socket.isConnected()&&this.socket.push({join_ref:e,ref:this.
socket.makeRef(),topic:this.topic,event:"phx_leave",payload:{}}),this.joinPush.reset(),this.failed()}crashed(e){this.socket.log("channel",`error ${this.topic}`,
e),!(this.isLeaving()||this.isClosed())&&(this.isJoining()&&this.joinPush.reset(),this.failed())}closed(){this.socket.log("channel",`close ${this.topic} ${this.
joinRef()}`),this.rejoinTimer.reset(),this.state="closed",this.socket.remove(this)}};var G="base64url.bearer.phx.";function se(o){return["phoenix",G+Te(o)]}function ae(o){let e=o?.find(t=>t.startsWith(G));return e===void 0?void 0:Ee(e.slice(G.length))}
function Te(o){if(/[^\u0000-\u00ff]/.test(o))throw new Error("authToken holds a character above U+00FF: encode the token, for example as base64, before giving i\
t to the socket");let e=btoa(o).replace(/=+$/,"");return e.includes("/")?e.replaceAll("+","-").replaceAll("/","_"):e}function Ee(o){return atob(o.replaceAll("-",
"+").replaceAll("_","/"))}var h={connecting:0,open:1,closing:2,closed:3};var Ce=100,d=class{skipHeartbeat=!0;timeout=2e4;readyState=h.connecting;onopen=null;onclose=null;onerror=null;onmessage=null;pollEndpoint;authToken;token=null;live=!0;closeEmitted=!1;requests=new Set;outbox=[];posting=!1;constructor(e,t){
this.authToken=ae(t),this.pollEndpoint=e.replace(/^ws/,"http").replace(/(.*)\/websocket/,"$1/longpoll"),setTimeout(()=>this.poll(),0)}get bufferedAmount(){return this.
outbox.length}send(e){this.outbox.push(typeof e=="string"?e:je(e)),!this.posting&&(this.posting=!0,setTimeout(()=>this.post(),0))}close(e=1005,t="",n=!0){this.stop(
h.closed),this.emitClose({code:e,reason:t,wasClean:n})}async poll(){for(;this.live;){let e={Accept:"application/json"};this.authToken!==void 0&&(e["X-Phoenix-Au\
thToken"]=this.authToken);let t=await this.request("GET",e);t&&this.receive(t)}}receive({status:e,token:t,messages:n=[]}){if(e===410&&this.token!==null){this.fail(
410,3410,"session_gone");return}switch(this.token=t??this.token,e){case 200:for(let i of n)this.inOwnTask(()=>this.onmessage?.({data:i}));break;case 204:break;case 410:
this.inOwnTask(()=>{this.readyState=h.open,this.onopen?.({})});break;case 403:this.fail(403,1008,"forbidden",h.closed);break;default:this.fail(e||500,1011,"inte\
rnal server error")}}inOwnTask(e){setTimeout(()=>{this.live&&e()},0)}async post(){for(;this.live&&this.outbox.length>0;){let e=this.outbox.slice(0,Ce),t=await this.
request("POST",{"Content-Type":"application/x-ndjson"},e.join(`
`));if(!t)return;if(t.status!==200){this.fail(t.status||500,1011,"internal server error");return}this.outbox=this.outbox.slice(e.length)}this.posting=!1}async request(e,t,n){
this.token!==null&&(t["X-Phoenix-Longpoll-Token"]=this.token);let i=new AbortController;this.requests.add(i);let r=!1,s=setTimeout(()=>{r=!0,i.abort()},this.timeout),
a;try{let c=await fetch(this.pollEndpoint,{method:e,headers:t,body:n??null,signal:i.signal,cache:"no-store"});a=xe(await c.json())}catch{a={status:0}}finally{clearTimeout(
s),this.requests.delete(i)}return r&&this.fail("timeout",1005,"timeout"),this.live?a:void 0}fail(e,t,n,i=h.connecting){if(this.live){this.stop(i);try{this.onerror?.(
e)}finally{this.emitClose({code:t,reason:n,wasClean:!1})}}}stop(e){this.live=!1,this.readyState=e,this.outbox=[];for(let t of this.requests)t.abort()}emitClose(e){
this.closeEmitted||(this.closeEmitted=!0,this.onclose?.(e))}};function xe(o){let e=o;return typeof e?.status=="number"?e:{status:0}}function je(o){let e="";for(let t of new Uint8Array(
o))e+=String.fromCharCode(t);return btoa(e)}var f={push:0,reply:1,broadcast:2,keptBroadcast:5,keptPush:6,markedPush:7},ce=255,w={encode(o,e){let t=m(o.payload);if(t)return e(Pe(o,t));let{join_ref:n,ref:i,
topic:r,event:s,payload:a}=o;return e(JSON.stringify([n,i,r,s,a]))},decode(o,e){let t=m(o);if(t)return e(Se(t));if(typeof o!="string")throw new Error('cannot de\
code a frame that is neither text nor an ArrayBuffer: set binaryType to "arraybuffer"');let n=JSON.parse(o);if(!Array.isArray(n))throw new Error("cannot decode \
a text frame that is not a JSON array");let[i,r,s,a,c]=n;return e({join_ref:i,ref:r,topic:s,event:a,payload:c})}};function m(o){if(ArrayBuffer.isView(o))return new Uint8Array(
o.buffer,o.byteOffset,o.byteLength);if(Object.prototype.toString.call(o)==="[object ArrayBuffer]")return new Uint8Array(o)}function Pe(o,e){let t=[b("join_ref",
o.join_ref??""),b("ref",o.ref??""),b("topic",o.topic),b("event",o.event)];o.mark!==void 0&&t.push(b("mark",o.mark));let n=1+t.length+t.reduce((s,a)=>s+a.length,
0),i=new Uint8Array(n+e.length);i[0]=o.mark===void 0?f.push:f.markedPush,i.set(t.map(s=>s.length),1);let r=1+t.length;for(let s of t)i.set(s,r),r+=s.length;return i.
set(e,n),i.buffer}function b(o,e){let t=new TextEncoder().encode(e);if(t.length>ce)throw new Error(`unable to convert ${o} to binary: must be less than or equal\
 to ${ce} bytes, but is ${t.length} bytes`);return t}function Se(o){switch(o[0]){case f.push:{let{fields:[e,t,n],payload:i}=k(o,3);return{join_ref:e,ref:null,topic:t,
event:n,payload:i}}case f.reply:{let{fields:[e,t,n,i],payload:r}=k(o,4);return{join_ref:e,ref:t,topic:n,event:"phx_reply",payload:{status:i,response:r}}}case f.
broadcast:{let{fields:[e,t],payload:n}=k(o,2);return{join_ref:null,ref:null,topic:e,event:t,payload:n}}case f.keptBroadcast:{let{fields:[e,t,n],payload:i}=k(o,3);
return{join_ref:null,ref:e,topic:t,event:n,payload:i}}case f.keptPush:{let{fields:[e,t,n,i],payload:r}=k(o,4);return{join_ref:e,ref:t,topic:n,event:i,payload:r}}default:
throw new Error(`cannot decode a binary frame of kind ${o[0]}: known are 0 (push), 1 (reply), 2 (broadcast), 5 (kept broadcast) and 6 (kept push)`)}}function k(o,e){
let t=[...o.subarray(1,1+e)],n=1+e;if(t.length<e||o.length<t.reduce((s,a)=>s+a,n))throw new Error(`cannot decode a binary frame of ${o.length} bytes: it is shor\
ter than its header says`);let i=new TextDecoder;return{fields:t.map(s=>i.decode(o.subarray(n,n+=s))),payload:o.slice(n).buffer}}function A(o,e,t,n){let{topic:i,extensions:r,joinPush:s}=o;if(o.joinedOnce)throw new Error(`channel "${i}" has joined already: make its ${e} before`);if(r.has(t))
throw new Error(`channel "${i}" has its ${e} already`);r.size===0&&s.receive("ok",a=>Me(r,a)),r.set(t,n)}function O(o,e,t,n){if(m(e))throw new Error(`the join p\
arams of "${o.topic}" are bytes, to which "${t}" cannot be added: use an object`);return{...e,[t]:n}}function Me(o,e){let t=[...o].map(([n,i])=>{let r=e?.[n];return r!==
void 0&&delete e[n],{extension:i,told:r}});for(let{extension:n,told:i}of t)n.joined(i,e)}var L="_once",Re=32,T=class{channel;limit;maxBytes;waiting=new Map;lastNumber=0;session;joinRef=null;paused=!1;pauseTimer;constructor(e,t={}){A(e,"Outbox",L,this),
this.channel=e,this.limit=t.limit??100,this.maxBytes=t.maxBytes??64e3,this.pauseTimer=new p(()=>this.resume(),Oe),e.onClose(()=>{this.pauseTimer.reset(),this.giveUp(
"closed")})}get size(){return this.waiting.size}push(e,t={},n=1/0){let{channel:i,limit:r,waiting:s}=this;if(!i.joinedOnce)throw new Error(`tried to push "${e}" \
to "${i.topic}" before joining: call join() first`);if(s.size>=r)throw new Error(`cannot push "${e}" to "${i.topic}": ${r} pushes wait for their answers, and th\
at is the limit`);let a=new Q(this,this.lastNumber+1,e,Ae(this,e,t),n);return this.lastNumber++,s.set(a.number,a),i.isClosed()?this.giveUp("closed"):this.flush(),
a}ask(e){return O(this.channel,e,L,this.session===void 0?!0:{session:this.session})}joined(e){e?.kept||this.giveUp(),this.session=e?.session,this.joinRef=this.channel.
joinRef(),this.pauseTimer.reset(),this.resume()}get done(){let[e]=this.waiting.keys();return e-1}settles(e,{status:t,response:n}){return t==="error"&&n?.[L]==="\
again"?(e.refused(),this.paused||this.pauseTimer.scheduleTimeout(),this.paused=!0,!1):(this.waiting.delete(e.number),this.paused||this.pauseTimer.reset(),this.flush(),
!0)}resume(){this.paused=!1,this.flush()}flush(){let{channel:e,joinRef:t,waiting:n}=this;if(this.paused||!e.canPush()||t!==e.joinRef())return;this.session===void 0&&
this.giveUp("not_supported");let i=0;for(let r of n.values()){if(i++===Re)return;if(r.sentIn!==t)try{r.send()}catch(s){this.fail(r,s instanceof Error?s.message:
String(s))}}}giveUp(e){for(let t of this.waiting.values()){let n=t.unanswered>0?"outcome_unknown":e;n&&this.fail(t,n)}}fail(e,t){this.waiting.delete(e.number),queueMicrotask(
()=>e.trigger("error",{reason:t}))}},Q=class extends u{number;sentIn=null;unanswered=0;outbox;constructor(e,t,n,i,r){super(e.channel,n,()=>i,r),this.outbox=e,this.
number=t,this.startTimeout()}send(){this.transmit(),this.sentIn=this.channel.joinRef(),this.unanswered++}refused(){this.sentIn=null,this.unanswered--}message(){
let e=super.message(),t={id:this.number,done:this.outbox.done};return m(e.payload)?{...e,mark:JSON.stringify(t)}:{...e,payload:{...e.payload,[L]:t}}}settle(e){this.
outbox.settles(this,e)&&super.settle(e)}};function Ae({channel:o,maxBytes:e},t,n){let i=m(n)?.slice();if(i&&!o.socket.marksBytes)throw new Error(`cannot mark th\
e bytes of "${t}": the socket has an encode of its own, which has no room for it`);let r=i?"":JSON.stringify(n)??"";if(!i&&!r.startsWith("{"))throw new Error(`c\
annot mark the payload of "${t}": it must be an object, or bytes`);let s=i?i.length:new TextEncoder().encode(r).length;if(s>e)throw new Error(`cannot push "${t}\
": its payload of ${s} bytes is larger than maxBytes, ${e}`);return i??JSON.parse(r)}function Oe(o){return[50,100,200,500,1e3,2e3][o-1]??5e3}var C=class o{state=E();channel;joinRef=null;pending={joinRef:null,diffs:[]};joinCallback=()=>{};leaveCallback=()=>{};syncCallback=()=>{};constructor(e,t={}){let n=t.
events??{state:"presence_state",diff:"presence_diff"};this.channel=e,e.on(n.state,i=>this.receiveState(i)),e.on(n.diff,i=>this.receiveDiff(i))}onJoin(e){this.joinCallback=
e}onLeave(e){this.leaveCallback=e}onSync(e){this.syncCallback=e}list(e){return e?o.list(this.state,e):o.list(this.state)}inPendingSyncState(){return this.joinRef===
null||this.joinRef!==this.channel.joinRef()}receiveState(e){this.joinRef=this.channel.joinRef(),this.state=o.syncState(this.state,e,this.joinCallback,this.leaveCallback);
let{joinRef:t,diffs:n}=this.pending;if(this.pending={joinRef:null,diffs:[]},t===this.joinRef)for(let i of n)this.apply(i);this.syncCallback()}receiveDiff(e){if(!this.
inPendingSyncState()){this.apply(e),this.syncCallback();return}let t=this.channel.joinRef();this.pending.joinRef!==t&&(this.pending={joinRef:t,diffs:[]}),this.pending.
diffs.push(e)}apply(e){this.state=o.syncDiff(this.state,e,this.joinCallback,this.leaveCallback)}static syncState(e,t,n,i){let r=Object.assign(E(),e),s=E(),a=E();
for(let[c,l]of Object.entries(t)){let M=I(l.metas,r[c]?.metas??[]);r[c]?M.length>0&&(s[c]={...l,metas:M}):s[c]=l}for(let[c,l]of Object.entries(r)){let M=Object.
hasOwn(t,c)?t[c].metas:[],oe=I(l.metas,M);oe.length>0&&(a[c]={...l,metas:oe})}return o.syncDiff(r,{joins:s,leaves:a},n,i)}static syncDiff(e,t,n=()=>{},i=()=>{}){
let r=Object.getPrototypeOf(e)===null?e:Object.assign(E(),e);for(let[s,a]of Object.entries(t.joins)){let c=r[s];r[s]=c?{...a,metas:[...I(c.metas,a.metas),...a.metas]}:
a,n(s,c,a)}for(let[s,a]of Object.entries(t.leaves)){let c=r[s];if(!c)continue;let l={...c,metas:I(c.metas,a.metas)};r[s]=l,i(s,l,a),l.metas.length===0&&delete r[s]}
return r}static list(e,t){return Object.entries(e).map(([n,i])=>t?t(n,i):i)}};function E(){return Object.create(null)}function I(o,e){let t=new Set(e.map(n=>n.phx_ref));
return o.filter(n=>!t.has(n.phx_ref))}function le(o){de()&&(window.addEventListener("pagehide",()=>o.hide()),window.addEventListener("pageshow",()=>o.show()),document.addEventListener("visibilitycha\
nge",()=>{Z()||o.visible()}))}function he(o){return de()?(window.addEventListener("pagehide",o),()=>window.removeEventListener("pagehide",o)):()=>{}}function Z(){
return typeof document<"u"&&document.visibilityState==="hidden"}function de(){return typeof window>"u"||typeof document>"u"?!1:"addEventListener"in window&&"add\
EventListener"in document}var _=class{storage;key;topic;unwritten;timer;constructor(e,t,n){this.storage=e,this.key=t,this.topic=n}read(){let e=this.load().get(this.topic);return typeof e==
"string"?e:void 0}save(e){this.unwritten=e,this.timer??=setTimeout(()=>this.flush(),1e3)}flush(){this.unwritten!==void 0&&this.write(this.unwritten)}forget(){this.
write(void 0)}write(e){clearTimeout(this.timer),this.timer=this.unwritten=void 0;let t=this.load(),n=t.delete(this.topic);if(e!==void 0)t.set(this.topic,e);else if(!n)
return;let i=[...t].slice(-100);try{this.storage.setItem(this.key,JSON.stringify(i))}catch{}}load(){try{return new Map(JSON.parse(this.storage.getItem(this.key)??
"[]"))}catch{return new Map}}};var ee="_history",x=class{channel;position;stored;recoveredCallback=()=>{};gapCallback=()=>{};constructor(e,t={}){A(e,"Recovery",ee,this),this.channel=e,t.storage&&
(this.stored=this.openStorage(t.storage,t.scope??"")),this.position=this.stored?.read()}onRecovered(e){this.recoveredCallback=e}onGap(e){this.gapCallback=e}ask(e){
return O(this.channel,e,ee,{after:this.position,binary:this.channel.socket.decodesPositions})}takes(e){let{ref:t,event:n,payload:i}=e;if(!Le(t))return!1;if(!this.
channel.isJoined())return!0;if(this.moveTo(t),n!==ee)return!1;let{recovered:r,skipped:s}=i;return r!==void 0&&this.recoveredCallback(r),s&&this.gapCallback(void 0),
!0}joined(e,t){let n=e?e.recovered===!1:this.position!==void 0;this.moveTo(e?.position),n&&this.gapCallback(t)}moveTo(e){this.position=e,e===void 0?this.stored?.
forget():this.stored?.save(e)}openStorage(e,t){let{channel:n}=this,i=new _(e,`roost:${n.socket.endPoint}:${t}`,n.topic),r=he(()=>i.flush());return n.onClose(()=>{
r(),i.forget()}),i}};function Le(o){return Number.isNaN(Number(o??0))}var Ie=5,_e=150,$=class{transport;opened=!1;closing=!1;ending=!1;lossReported=!1;pings=new Map;detached=!1;closedCallbacks=[];constructor(e,t){this.transport=e;
let n=i=>r=>{this.detached||i(r)};e.onopen=n(()=>{this.opened=!0,t.open()}),e.onclose=n(t.close),e.onerror=n(t.error),e.onmessage=n(i=>t.message(i.data))}isOpen(){
return this.transport.readyState===h.open}detach(){this.detached=!0}close(e,t){if(this.closedCallbacks.push(t),this.closing)return;this.closing=!0,te(()=>!e.drain||
!this.transport.bufferedAmount||!this.isOpen(),()=>{this.transport.onerror=()=>{},e.code===void 0?this.transport.close():this.transport.close(e.code,e.reason??""),
e.closing(),te(()=>this.transport.readyState===h.closed,()=>this.finish())})}finish(){for(let e of this.closedCallbacks)e()}};function te(o,e,t=1){t===Ie||o()?e():
setTimeout(()=>te(o,e,t+1),_e*t)}function ue(){return globalThis.WebSocket}function pe(){return globalThis.location}function fe(){try{return globalThis.sessionStorage}catch{return}}var me="phx:fallback:LongPoll",B=class{socket;thresholdMs;storage;timer;refs=[];primaryWorked=!1;constructor(e,t,n){this.socket=e,this.thresholdMs=t,this.storage=
n??fe()}start(){if(this.cancel(),this.storage?.getItem(me)){this.fallBack("memorized");return}let e=!1,t=this.socket.onError(i=>{e||this.fallBack(i)}),n=this.socket.
onOpen(()=>{e=!0,this.limit("no answer to the ping"),this.socket.ping(i=>{this.socket.log("transport","connected to primary after",i),this.primaryWorked=!0,clearTimeout(
this.timer)})});this.refs=[t,n],this.limit("not open in time");try{this.socket.openTransport()}catch(i){throw this.cancel(),i}}cancel(){clearTimeout(this.timer),
this.socket.off(this.refs),this.refs=[]}limit(e){clearTimeout(this.timer),this.timer=setTimeout(()=>this.fallBack(e),this.thresholdMs)}fallBack(e){this.cancel(),
this.socket.log("transport","falling back to LongPoll...",e),this.socket.replaceTransport(d);let t=this.socket.onOpen(()=>{this.socket.off([t]),this.socket.log(
"transport","established LongPoll fallback"),this.primaryWorked||this.storage?.setItem(me,"true")});this.socket.reconnect()}};var H=class{intervalMs;send;onTimeout;timer;pendingRef=null;constructor(e,t,n){this.intervalMs=e,this.send=t,this.onTimeout=n}start(){this.stop(),this.timer=setTimeout(
()=>this.beat(),this.intervalMs)}stop(){clearTimeout(this.timer),this.pendingRef=null}acknowledge(e){e!==null&&e===this.pendingRef&&this.start()}beat(){this.pendingRef=
this.send(),this.timer=setTimeout(()=>{this.pendingRef=null,this.onTimeout()},this.intervalMs)}};var ge=1e3,j=class{endPoint;timeout;vsn;heartbeatIntervalMs;longpollerTimeout;reconnectAfterMs;rejoinAfterMs;binaryType;transport;params;authToken;logger;channels=[];establishedConnections=0;customEncode;customDecode;fallback;heartbeat;reconnectTimer;connection=null;sendBuffer=[];ref=0;closeWasClean=!0;connectClock=0;callbacks=[];constructor(e,t={}){
this.endPoint=`${e}/websocket`,this.transport=t.transport??ue()??d,this.timeout=t.timeout??1e4,this.vsn=t.vsn??"2.0.0",this.heartbeatIntervalMs=t.heartbeatIntervalMs??
3e4,this.longpollerTimeout=t.longpollerTimeout??2e4,this.reconnectAfterMs=t.reconnectAfterMs??$e,this.rejoinAfterMs=t.rejoinAfterMs??Be,this.binaryType=t.binaryType??
"arraybuffer",this.params=v(t.params??{}),this.authToken=t.authToken===void 0?void 0:v(t.authToken),this.logger=t.logger??(t.debug?(n,i,r)=>console.log(`${n}: ${i}`,
r):null),this.customEncode=t.encode,this.customDecode=t.decode,this.fallback=t.longPollFallbackMs?new B(this,t.longPollFallbackMs,t.sessionStorage):void 0,this.
heartbeat=new H(this.heartbeatIntervalMs,()=>this.sendHeartbeat(),()=>this.heartbeatTimedOut()),this.reconnectTimer=new p(()=>this.reconnectUnlessHidden(),this.
reconnectAfterMs),this.followPage()}connect(e){e&&(this.params=v(e)),!(this.connection&&!this.connection.ending)&&(this.fallback&&this.transport!==d?this.fallback.
start():this.openTransport())}disconnect(e,t,n){this.abandon(),this.connection&&(this.connection.ending=!0),this.teardown(e,{code:t,reason:n})}replaceTransport(e){
this.abandon();let t=this.transport;this.transport=e;let n=this.connection;n&&(n.detach(),this.teardown(void 0,{drain:!1}),this.connection=null,n.opened&&this.reportLoss(
n,"connection_closed")),t!==e&&this.call("transport",e)}getLongPollTransport(){return d}channel(e,t={}){let n=new R(e,t,this);return this.channels.push(n),n}push(e,t=()=>!0){
let{topic:n,event:i,payload:r,ref:s,join_ref:a}=e;if(this.log("push",`${n} ${i} (${a}, ${s})`,r),this.isConnected()){this.send(e);return}this.sendBuffer=this.sendBuffer.
filter(c=>c.stillWanted()),this.sendBuffer.push({message:e,stillWanted:t})}ping(e){if(!this.connection?.isOpen())return!1;let t=this.makeRef(),n=Date.now();return this.
connection.pings.set(t,()=>e(Date.now()-n)),this.push(ve(t)),!0}onOpen(e){return this.addCallback("open",e)}onClose(e){return this.addCallback("close",e)}onError(e){
return this.addCallback("error",e)}onMessage(e){return this.addCallback("message",e)}onReconnect(e){return this.addCallback("reconnect",e)}onTransport(e){return this.
addCallback("transport",e)}off(e){this.callbacks=this.callbacks.filter(({ref:t})=>!e.includes(t))}connectionState(){switch(this.conn?.readyState){case h.connecting:
return"connecting";case h.open:return"open";case h.closing:return"closing";default:return"closed"}}isConnected(){return this.connectionState()==="open"}get conn(){
return this.connection?.transport??null}protocol(){return ye(this.endPoint).protocol==="https:"?"wss":"ws"}endPointURL(){let e=X(X(this.endPoint,this.params()),
{vsn:this.vsn});return e.startsWith("/")?e.startsWith("//")?`${this.protocol()}:${e}`:`${this.protocol()}://${ye(this.endPoint).host}${e}`:e}makeRef(){return this.
ref=this.ref===Number.MAX_SAFE_INTEGER?0:this.ref+1,this.ref.toString()}log(e,t,n){this.logger?.(e,t,n)}hasLogger(){return this.logger!==null}openTransport(){let e=this.
authToken&&se(this.authToken()),t=new this.transport(this.endPointURL(),e);t.binaryType=this.binaryType,t.timeout=this.longpollerTimeout;let n=this.connection;n?.
detach(),this.connectClock++,this.closeWasClean=!1,this.reconnectTimer.cancel();let i=new $(t,{open:()=>this.onConnOpen(),close:r=>this.onConnClose(i,r),error:r=>this.
onConnError(i,r),message:r=>this.onConnMessage(i,r)});this.connection=i,n?.opened&&this.reportLoss(n,"connection_closed")}reconnect(){let e=this.connectClock;this.
teardown(()=>{if(e===this.connectClock)try{this.connect()}catch(t){this.log("transport","cannot connect",t),this.callErrorCallbacks(t),this.scheduleReconnect()}})}remove(e){
this.off(e.stateChangeRefs),this.channels=this.channels.filter(t=>t!==e)}leaveOpenTopic(e){let t=this.channels.find(n=>n.topic===e&&(n.isJoined()||n.isJoining()));
t&&(this.log("transport",`leaving duplicate topic "${e}"`),t.leave())}onConnOpen(){this.log("transport",`connected to ${this.endPoint}`),this.establishedConnections++,
this.flushSendBuffer(),this.reconnectTimer.reset(),this.conn?.skipHeartbeat||this.heartbeat.start(),this.call("open")}onConnClose(e,t){this.log("transport","clo\
se",t),this.heartbeat.stop(),!e.closing&&t.code===ge&&(this.abandon(),this.connection=null),this.reportLoss(e,"connection_closed"),this.connection===e&&!e.closing&&
this.scheduleReconnect(),this.call("close",t)}onConnError(e,t){this.log("transport","error",t);let n=this.transport,i=this.establishedConnections;this.callErrorCallbacks(
t),(n===this.transport||i>0)&&this.reportLoss(e,"connection_error")}callErrorCallbacks(e){this.call("error",e,this.transport,this.establishedConnections)}onConnMessage(e,t){
let n=!1,i=this.transport===d?w.decode:this.customDecode??w.decode;try{i(t,r=>{n=!0,this.connection===e&&e.isOpen()&&this.dispatch(e,r)})}catch(r){if(n)throw r;
this.log("transport","dropping malformed message",r)}}dispatch(e,t){let{topic:n,event:i,payload:r,ref:s,join_ref:a}=t;this.heartbeat.acknowledge(s),this.log("re\
ceive",`${n} ${i} (${a}, ${s})`,r);for(let l of[...this.channels])l.receive(t);if(this.call("message",t),s===null)return;let c=e.pings.get(s);e.pings.delete(s),
c?.()}get decodesPositions(){return this.customDecode===void 0}get marksBytes(){return this.customEncode===void 0}send(e){let t=this.connection;(this.transport===
d?w.encode:this.customEncode??w.encode)(e,i=>{t===this.connection&&t?.isOpen()&&t.transport.send(i)})}flushSendBuffer(){let e=this.sendBuffer;this.sendBuffer=[];
for(let{message:t,stillWanted:n}of e)if(n())try{this.send(t)}catch(i){this.log("transport",`dropping a message to ${t.topic} that cannot be encoded`,i)}}sendHeartbeat(){
let e=this.makeRef();return this.push(ve(e)),e}heartbeatTimedOut(){this.log("transport","heartbeat timeout. Attempting to re-establish connection");let e=this.connectClock,
t=()=>{e===this.connectClock&&this.scheduleReconnect()};this.teardown(t,{code:ge,reason:"heartbeat timeout",drain:!1,loss:"heartbeat_timeout"})}scheduleReconnect(){
this.call("reconnect",...this.reconnectTimer.scheduleTimeout())}reconnectUnlessHidden(){Z()?(this.log("transport","not reconnecting while the page is hidden"),this.
teardown()):this.reconnect()}abandon(){this.connectClock++,this.closeWasClean=!0,this.fallback?.cancel(),this.reconnectTimer.reset()}teardown(e,t={}){let n=this.
connection;if(!n){e?.();return}this.heartbeat.stop();let{code:i,reason:r,drain:s=!0,loss:a="connection_closed"}=t,c=()=>{n.opened&&this.reportLoss(n,a)};n.close(
{code:i,reason:r,drain:s,closing:c},()=>{this.connection===n&&(n.detach(),this.connection=null),e?.()})}reportLoss(e,t){if(e.lossReported)return;e.lossReported=
!0;let n=i=>i.isJoined()||i.isJoining();for(let i of this.channels.filter(n))n(i)&&i.trigger("phx_error",{source:"transport",reason:t})}call(e,...t){for(let n of this.
callbacks.filter(i=>i.kind===e))n.callback(...t)}addCallback(e,t){let n=this.makeRef();return this.callbacks.push({ref:n,kind:e,callback:t}),n}followPage(){let e;
le({hide:()=>{!this.connection||this.connection.ending||(this.disconnect(),e=this.connectClock)},show:()=>{e===this.connectClock&&this.connect()},visible:()=>{this.
isConnected()||this.closeWasClean||(this.reconnectTimer.reset(),this.reconnect())}})}};function ve(o){return{join_ref:null,ref:o,topic:"phoenix",event:"heartbea\
t",payload:{}}}function $e(o){return[10,50,100,150,200,250,500,1e3,2e3][o-1]??5e3}function Be(o){return[1e3,2e3,5e3][o-1]??1e4}function ye(o){let e=pe();if(!e)throw new Error(
`endpoint "${o}" is relative and there is no page it could be relative to: give a full URL such as "wss://example.com/socket"`);return e}function N(o,e){let t=document.createElement("span");return t.className=`avatar tint-${o%6}`,t.setAttribute("aria-hidden","true"),t.textContent=([...e][0]??"?").
toUpperCase(),t}function P(o){let e=Math.floor(o/1e3),t=s=>String(s).padStart(2,"0"),[n,i,r]=[Math.floor(e/3600),Math.floor(e/60)%60,e%60];return n>0?`${n}:${t(
i)}:${t(r)}`:`${i}:${t(r)}`}var J=class{constructor(e,t,n){this.player=e;this.outbox=t;this.added=n;this.form.addEventListener("submit",i=>{i.preventDefault(),this.send()}),this.input.addEventListener(
"input",()=>{this.input.value===""?this.begunAt=null:this.begunAt??=this.player.now(),this.showTime()}),e.onChange(()=>this.showTime()),this.showTime()}player;outbox;added;form=document.
querySelector("#annotation-form");input=document.querySelector("#annotation-body");submit=this.form.querySelector("button");at=document.querySelector("#annotati\
on-at");problem=document.querySelector("#annotation-problem");begunAt=null;online(){this.showProblem("")}send(){let e=this.input.value.trim();if(!(e===""||this.
submit.disabled)){if(!this.outbox.channel.isJoined()){this.fail("You are offline. Your text stays here until you are back.");return}this.showProblem(""),this.submit.
disabled=!0,this.outbox.push("new_annotation",{at:this.begunAt??this.player.now(),body:e}).receive("ok",t=>{this.added(t),this.sent(e)}).receive("error",t=>this.
fail(He(t)))}}sent(e){this.submit.disabled=!1,this.input.value.trim()===e&&(this.input.value=""),this.begunAt=null,this.showTime()}fail(e){this.submit.disabled=
!1,this.showProblem(e)}showProblem(e){this.problem.textContent=e,this.problem.hidden=e===""}showTime(){this.at.textContent=P(this.begunAt??this.player.now())}};
function He({reason:o,field:e,error:t}){return e&&t?`${e==="body"?"Your text":e} ${t}.`:o==="rate limited"||o==="busy"?"That was too fast. Wait a moment and try\
 again.":o==="outcome_unknown"||o==="crashed"?"Perhaps that was kept. If it does not appear in the list, send it again.":"That could not be kept. Try again in a\
 moment."}var Ne=5e3,D=class{constructor(e,t){this.player=e;this.viewerId=t;this.progress.className="progress",this.timeline.append(this.progress),this.timeline.addEventListener(
"click",n=>{let{left:i,width:r}=this.timeline.getBoundingClientRect();this.length>0&&e.seek(Math.round(this.length*(n.clientX-i)/r))}),e.onChange(()=>this.follow())}player;viewerId;ids=new Set;items=[];list=document.
querySelector("#annotations");empty=document.querySelector("#annotations-empty");number=document.querySelector("#annotation-count");timeline=document.querySelector(
"#timeline");caption=document.querySelector("#caption");progress=document.createElement("span");captioned;length=0;add(e){for(let t of e)this.ids.has(t.id)||(this.
ids.add(t.id),this.insert(t));this.number.textContent=this.items.length>0?String(this.items.length):"",this.empty.hidden=this.items.length>0,this.empty.textContent=
"Nothing yet. Play the video, and be the first to say something.",this.follow()}insert(e){let t={annotation:e,row:this.row(e),mark:document.createElement("span")},
n=this.items.length;for(;n>0&&Je(e,this.items[n-1].annotation);)n--;this.list.insertBefore(t.row,this.items[n]?.row??null),this.items.splice(n,0,t),t.mark.className=
`mark tint-${e.user.id%6}`,this.timeline.append(t.mark),this.place(t)}row(e){let{id:t,at:n,user:i,body:r}=e,s=document.createElement("li");s.dataset.id=String(t),
s.dataset.at=String(n),s.dataset.testid="annotation",s.tabIndex=-1;let a=document.createElement("button");a.type="button",a.className="time",a.textContent=P(n),
a.setAttribute("aria-label",`Go to ${P(n)}`),a.addEventListener("click",()=>this.player.seek(n));let c=document.createElement("span");c.className="name",c.textContent=
i.id===this.viewerId?`${i.name} (you)`:i.name;let l=document.createElement("p");return l.className="body",l.dataset.testid="annotation-text",l.textContent=r,s.append(
a,N(i.id,i.name),c,l),s}follow(){let e=this.player.now();if(this.player.length()!==this.length){this.length=this.player.length();for(let n of this.items)this.place(
n)}this.progress.style.inlineSize=this.length>0?`${100*e/this.length}%`:"0";let t;for(let n of this.items){let{at:i}=n.annotation,r=i<=e&&e<i+Ne;n.row.classList.
toggle("current",r),n.mark.classList.toggle("current",r),r&&(t=n)}this.showCaption(t)}showCaption(e){if(e===this.captioned||(this.captioned=e,this.caption.hidden=
!e,!e))return;let{user:t,body:n}=e.annotation,i=document.createElement("strong");i.textContent=t.name,this.caption.replaceChildren(i," ",n),this.scrollTo(e.row)}scrollTo(e){
if(this.list.matches(":hover, :focus-within"))return;let t=e.offsetTop-this.list.offsetTop-(this.list.clientHeight-e.clientHeight)/2;this.list.scrollTo({top:t,behavior:matchMedia(
"(prefers-reduced-motion: reduce)").matches?"auto":"smooth"})}place({annotation:e,mark:t}){t.hidden=this.length===0||e.at>this.length,t.hidden||(t.style.insetInlineStart=
`${100*e.at/this.length}%`)}};function Je(o,e){return o.at<e.at||o.at===e.at&&o.id<e.id}var W=class{banner=document.querySelector("#offline");text=document.querySelector("#offline-text");logIn=document.querySelector("#offline-login");node=document.
querySelector("#node");failures=0;online(e){this.failures=0,this.banner.hidden=!0,this.node.hidden=e===void 0,this.node.textContent=`node ${e}`}offline(){this.banner.
hidden=!1,this.node.hidden=!0}failed(){this.offline(),++this.failures%4===0&&this.checkSession()}async checkSession(){let t=(await fetch("/session",{cache:"no-s\
tore"}).catch(()=>null))?.status===401;this.text.textContent=t?"You are logged out.":"You are offline. Reconnecting…",this.logIn.hidden=!t}};function q(o){let e=document.createElement("p");return e.className="notice",e.setAttribute("role","status"),e.textContent=`${o} You can still read the annotatio\
ns.`,e}var U=class{constructor(e){this.video=e;e.error?this.fail():e.addEventListener("error",()=>this.fail())}video;now(){return Math.round(this.video.currentTime*1e3)}length(){
let e=this.video.duration;return Number.isFinite(e)?Math.round(e*1e3):0}seek(e){this.video.currentTime=e/1e3}onChange(e){for(let t of["timeupdate","seeking","du\
rationchange","ended"])this.video.addEventListener(t,e)}fail(){this.video.replaceWith(q("This video cannot be played. It may have moved."))}};var De="https://www.youtube.com/iframe_api",We=250,Y=class{player=null;callbacks=[];last=-1;constructor(e,t){window.onYouTubeIframeAPIReady=()=>{let i=new window.
YT.Player(e,{host:"https://www.youtube-nocookie.com",videoId:t,playerVars:{origin:location.origin,playsinline:1,rel:0},events:{onReady:()=>this.ready(i)}})};let n=document.
createElement("script");n.src=De,n.addEventListener("error",()=>document.getElementById(e)?.replaceWith(q("YouTube cannot be reached."))),document.head.append(n)}now(){
return Math.round((this.player?.getCurrentTime()??0)*1e3)}length(){return Math.round((this.player?.getDuration()??0)*1e3)}seek(e){this.player?.seekTo(e/1e3,!0)}onChange(e){
this.callbacks.push(e)}ready(e){this.player=e,setInterval(()=>this.tick(),We),this.tell()}tick(){let e=this.now();e!==this.last&&(this.last=e,this.tell())}tell(){
for(let e of this.callbacks)e()}};function be(o,e){return o==="youtube"?new Y("youtube-player",e):new U(document.querySelector("#video"))}var F=class{constructor(e,t){this.viewerId=t;this.presence=new C(e),this.presence.onSync(()=>this.show())}viewerId;list=document.querySelector("#viewers");number=document.
querySelector("#viewer-count");presence;show(){let e=this.presence.list((t,{metas:n})=>({id:Number(t),name:n[0]?.name??"",pages:n.length}));e.sort((t,n)=>+(n.id===
this.viewerId)-+(t.id===this.viewerId)||t.name.localeCompare(n.name)),this.list.replaceChildren(...e.map(({id:t,name:n,pages:i})=>this.row(t,n,i))),this.number.
textContent=String(e.length)}row(e,t,n){let i=document.createElement("li");i.dataset.userId=String(e),i.dataset.sessions=String(n),i.dataset.testid="viewer";let r=document.
createElement("span");if(r.className="name",r.textContent=e===this.viewerId?`${t} (you)`:t,i.append(N(e,t),r),n>1){let s=document.createElement("span");s.className=
"times",s.textContent=`×${n}`,s.setAttribute("aria-label",`on ${n} pages`),i.append(s)}return i}};var y=document.querySelector("#watch").dataset,ke=Number(y.userId),we=be(y.sourceKind,y.sourceRef),S=new W,ie=new D(we,ke),z=0,K=!1,V=new j(y.socketUrl,{authToken:y.
socketToken}),g=V.channel(`videos:${y.videoId}`,()=>({revision:z}));new x(g);var qe=new T(g);function ne(o){ie.add(o.annotations),z=o.revision,K=o.more,K&&g.push(
"more_annotations",{revision:z}).receive("ok",ne)}g.on("annotation_added",o=>ie.add([o]));new F(g,ke);var Ue=new J(we,qe,o=>ie.add([o]));V.onClose(()=>S.offline());
V.onError(()=>S.failed());g.onError(()=>S.offline());g.join().receive("ok",o=>{S.online(o.node),Ue.online(),o.resumed?ne({annotations:[],revision:z,more:K}):ne(
{...o,more:o.more||K})}).receive("error",()=>S.offline());V.connect();
