function l(o){return document.getElementById(o)}function d(o,e="",...t){let n=document.createElement(o);return n.className=e,n.append(...t),n}function v(o,e,t){
let n=d("button",t?"icon":"text",t?Ge(t):o);return n.type="button",t&&n.setAttribute("aria-label",n.title=o),n.addEventListener("click",e),n}var xe="http://www.\
w3.org/2000/svg",Ke={edit:"M4 20l1-4L16 5l3 3L8 19zM14 7l3 3",remove:"M5 7h14M10 7V4h4v3M7 7l1 13h8l1-13M11 11v5M13 11v5",mute:"M4 9v6h4l5 4V5L8 9zM16 9l5 6M21 \
9l-5 6",unmute:"M4 9v6h4l5 4V5L8 9zM16 9a4 4 0 0 1 0 6M18 6a8 8 0 0 1 0 12",kick:"M10 4H5v16h5M9 12h11M16 8l4 4-4 4"};function Ge(o){let e=document.createElementNS(
xe,"svg");e.setAttribute("viewBox","0 0 24 24"),e.setAttribute("aria-hidden","true");let t=document.createElementNS(xe,"path");return t.setAttribute("d",Ke[o]),
e.append(t),e}function b(o,e){let t=document.createElement("span");return t.className=`avatar tint-${o%6}`,t.setAttribute("aria-hidden","true"),t.textContent=([...e][0]??"?").
toUpperCase(),t}function y(o){let e=Math.floor(o/1e3),t=r=>String(r).padStart(2,"0"),[n,i,s]=[Math.floor(e/3600),Math.floor(e/60)%60,e%60];return n>0?`${n}:${t(
i)}:${t(s)}`:`${i}:${t(s)}`}function Ce({id:o,at:e,user:t,body:n,edited:i,muted:s},r,a,c){let h=d("li");h.dataset.id=String(o),h.dataset.testid="annotation",h.tabIndex=-1;let u=d("button",
"time",y(e));u.type="button",u.setAttribute("aria-label",`Go to ${y(e)}`),u.addEventListener("click",()=>c.seek());let p=d("span","name",r?`${t.name} (you)`:t.name);
i&&p.append(" ",d("small","","edited")),s&&p.append(" ",d("small","muted",r?"hidden from others":"muted"));let C=d("p","body",n);C.dataset.testid="annotation-te\
xt",h.append(u,b(t.id,t.name),p,C);let he=d("span","tools"),{edit:ue,remove:pe}=c;return ue&&he.append(v("Edit",()=>Xe(h,C,a,ue),"edit")),pe&&he.append(v("Delet\
e",pe,"remove")),(ue||pe)&&h.append(he),h}function Xe(o,e,t,n){let i=e.textContent??"",s=d("input");s.value=i,s.maxLength=t,s.required=!0,s.setAttribute("aria-l\
abel","Your annotation");let r=d("form","edit",s),a=v("Save",()=>{});a.type="submit";let c=()=>{r.replaceWith(e),o.classList.remove("editing"),o.focus()};r.append(
a,v("Cancel",c)),r.addEventListener("submit",h=>{h.preventDefault();let u=s.value.trim();u!==""&&(c(),u!==i&&n(u))}),r.addEventListener("keydown",h=>{h.key==="E\
scape"&&c()}),o.classList.add("editing"),e.replaceWith(r),s.focus()}function M(o){return typeof o=="function"?o:()=>o}function fe(o,e){let t=Me(e,"");return t.length===0?o:o+(o.includes("?")?"&":"?")+t.join("&")}function Me(o,e){
return Object.entries(o).flatMap(([t,n])=>{let i=e?`${e}[${t}]`:t;return n==null?[]:typeof n=="object"?Me(n,i):[`${encodeURIComponent(i)}=${encodeURIComponent(String(
n))}`]})}var w=class{channel;event;timeout;sent=!1;ref=null;payload;reply=null;refEvent=null;timeoutTimer;hooks=[];constructor(e,t,n,i){this.channel=e,this.event=t,this.
payload=n,this.timeout=i}receive(e,t){return this.hasReceived(e)&&t(this.reply.response),this.hooks.push({status:e,callback:t}),this}send(){this.hasReceived("ti\
meout")||(this.startTimeout(),this.transmit())}resend(e){this.timeout=e,this.reset(),this.send()}reset(){this.cancelTimeout(),this.cancelRefEvent(),this.ref=null,
this.reply=null,this.sent=!1}startTimeout(){this.cancelTimeout(),this.cancelRefEvent(),this.ref=this.channel.socket.makeRef(),this.refEvent=this.channel.replyEventName(
this.ref),this.channel.on(this.refEvent,e=>this.settle(e)),this.timeout!==1/0&&(this.timeoutTimer=setTimeout(()=>this.trigger("timeout",{}),this.timeout))}cancelTimeout(){
clearTimeout(this.timeoutTimer)}trigger(e,t){this.refEvent&&this.channel.trigger(this.refEvent,{status:e,response:t})}transmit(){this.sent=!0;let{channel:e}=this,
t=this.message();e.socket.push(t,()=>t.join_ref===e.joinRef()&&!e.isClosed())}message(){let{channel:e,ref:t,event:n}=this;return{join_ref:e.joinRef(),ref:t,topic:e.
topic,event:n,payload:this.payload()}}settle(e){this.cancelRefEvent(),this.cancelTimeout(),this.reply=e;for(let t of this.hooks.filter(({status:n})=>n===e.status))
t.callback(e.response)}cancelRefEvent(){this.refEvent&&this.channel.off(this.refEvent),this.refEvent=null}hasReceived(e){return this.reply?.status===e}};var k=class{callback;delayMs;handle;tries=0;constructor(e,t){this.callback=e,this.delayMs=t}scheduleTimeout(){this.cancel();let e=this.tries+1,t=this.delayMs(e);
return this.handle=setTimeout(()=>{this.tries=e,this.callback()},t),[t,e]}cancel(){clearTimeout(this.handle)}reset(){this.cancel(),this.tries=0}};var Y=class{state="closed";topic;params;socket;timeout;joinedOnce=!1;joinPush;pushBuffer=[];bindings=new Map;bindingRef=0;rejoinTimer;stateChangeRefs;extensions=new Map;constructor(e,t,n){
this.topic=e,this.params=M(t??{}),this.socket=n,this.timeout=n.timeout,this.joinPush=new w(this,"phx_join",()=>this.joinParams(),this.timeout),this.rejoinTimer=
new k(()=>{n.isConnected()&&this.rejoin()},n.rejoinAfterMs),this.stateChangeRefs=[n.onError(()=>this.rejoinTimer.reset()),n.onOpen(()=>{this.rejoinTimer.reset(),
this.isErrored()&&this.rejoin()})],this.joinPush.receive("ok",()=>this.joined()).receive("error",()=>this.failed()).receive("timeout",()=>this.joinTimedOut()),this.
onClose(()=>this.closed()),this.onError(i=>this.crashed(i)),this.on("phx_reply",(i,s)=>this.trigger(this.replyEventName(s),i))}join(e=this.timeout){if(this.joinedOnce)
throw new Error(`channel "${this.topic}" was already joined: it rejoins by itself, and after leave() a new one is made with socket.channel()`);return this.timeout=
e,this.joinedOnce=!0,this.rejoin(),this.joinPush}push(e,t={},n=this.timeout){if(!this.joinedOnce)throw new Error(`tried to push "${e}" to "${this.topic}" before\
 joining: call join() first`);let i=new w(this,e,()=>t??{},n);return this.canPush()?(i.send(),i):(i.startTimeout(),i.receive("timeout",()=>{this.pushBuffer=this.
pushBuffer.filter(s=>s!==i)}),this.pushBuffer=[...this.pushBuffer,i],i)}leave(e=this.timeout){this.rejoinTimer.reset(),this.joinPush.cancelTimeout(),this.state=
"leaving";let t=new w(this,"phx_leave",()=>({}),e);return t.receive("ok",()=>this.trigger("phx_close","leave")),this.joinRef()!==null?t.send():t.startTimeout(),
t.trigger("ok",{}),t}on(e,t){let n=this.bindingRef++;return this.bindings.set(e,[...this.bindings.get(e)??[],{ref:n,callback:t}]),n}off(e,t){let n=t===void 0?[]:
(this.bindings.get(e)??[]).filter(i=>i.ref!==t);n.length>0?this.bindings.set(e,n):this.bindings.delete(e)}onClose(e){return this.on("phx_close",e)}onError(e){return this.
on("phx_error",t=>e(t))}onMessage(e,t,n,i){return t}joinRef(){return this.joinPush.ref}receive(e){let{topic:t,event:n,payload:i,ref:s,join_ref:r}=e;if(this.isMember(
t,n,i,r)){for(let a of this.extensions.values())if(a.takes?.(e))return;this.trigger(n,i,s,r)}}isMember(e,t,n,i){return this.topic!==e?!1:!i||i===this.joinRef()?
!0:(this.socket.log("channel","dropping outdated message",{topic:e,event:t,payload:n,joinRef:i}),!1)}trigger(e,t,n=null,i=null){let s=this.onMessage(e,t,n,i);if(t&&
!s)throw new Error("channel onMessage callbacks must return the payload, modified or unmodified");for(let{callback:r}of this.bindings.get(e)??[])r(s,n,i??this.joinRef())}replyEventName(e){
return`chan_reply_${e}`}canPush(){return this.socket.isConnected()&&this.isJoined()}isClosed(){return this.state==="closed"}isErrored(){return this.state==="err\
ored"}isJoined(){return this.state==="joined"}isJoining(){return this.state==="joining"}isLeaving(){return this.state==="leaving"}joinParams(){let e=this.params();
for(let t of this.extensions.values())e=t.ask(e);return e}rejoin(){this.isLeaving()||(this.socket.leaveOpenTopic(this.topic),this.state="joining",this.joinPush.
resend(this.timeout))}joined(){this.state="joined",this.rejoinTimer.reset();let e=this.pushBuffer;this.pushBuffer=[];for(let t of e)try{t.send()}catch(n){t.trigger(
"error",{reason:n instanceof Error?n.message:String(n)})}}failed(){this.state="errored",this.socket.isConnected()&&this.rejoinTimer.scheduleTimeout()}joinTimedOut(){
let e=this.joinRef();this.socket.log("channel",`timeout ${this.topic} (${e})`,this.joinPush.timeout),this.socket.isConnected()&&this.socket.push({join_ref:e,ref:this.
socket.makeRef(),topic:this.topic,event:"phx_leave",payload:{}}),this.joinPush.reset(),this.failed()}crashed(e){this.socket.log("channel",`error ${this.topic}`,
e),!(this.isLeaving()||this.isClosed())&&(this.isJoining()&&this.joinPush.reset(),this.failed())}closed(){this.socket.log("channel",`close ${this.topic} ${this.
joinRef()}`),this.rejoinTimer.reset(),this.state="closed",this.socket.remove(this)}};var me="base64url.bearer.phx.";function je(o){return["phoenix",me+Qe(o)]}function Pe(o){let e=o?.find(t=>t.startsWith(me));return e===void 0?void 0:Ze(e.slice(me.
length))}function Qe(o){if(/[^\u0000-\u00ff]/.test(o))throw new Error("authToken holds a character above U+00FF: encode the token, for example as base64, before\
 giving it to the socket");let e=btoa(o).replace(/=+$/,"");return e.includes("/")?e.replaceAll("+","-").replaceAll("/","_"):e}function Ze(o){return atob(o.replaceAll(
"-","+").replaceAll("_","/"))}var f={connecting:0,open:1,closing:2,closed:3};var et=100,m=class{skipHeartbeat=!0;timeout=2e4;readyState=f.connecting;onopen=null;onclose=null;onerror=null;onmessage=null;pollEndpoint;authToken;token=null;live=!0;closeEmitted=!1;requests=new Set;outbox=[];posting=!1;constructor(e,t){
this.authToken=Pe(t),this.pollEndpoint=e.replace(/^ws/,"http").replace(/(.*)\/websocket/,"$1/longpoll"),setTimeout(()=>this.poll(),0)}get bufferedAmount(){return this.
outbox.length}send(e){this.outbox.push(typeof e=="string"?e:nt(e)),!this.posting&&(this.posting=!0,setTimeout(()=>this.post(),0))}close(e=1005,t="",n=!0){this.stop(
f.closed),this.emitClose({code:e,reason:t,wasClean:n})}async poll(){for(;this.live;){let e={Accept:"application/json"};this.authToken!==void 0&&(e["X-Phoenix-Au\
thToken"]=this.authToken);let t=await this.request("GET",e);t&&this.receive(t)}}receive({status:e,token:t,messages:n=[]}){if(e===410&&this.token!==null){this.fail(
410,3410,"session_gone");return}switch(this.token=t??this.token,e){case 200:for(let i of n)this.inOwnTask(()=>this.onmessage?.({data:i}));break;case 204:break;case 410:
this.inOwnTask(()=>{this.readyState=f.open,this.onopen?.({})});break;case 403:this.fail(403,1008,"forbidden",f.closed);break;default:this.fail(e||500,1011,"inte\
rnal server error")}}inOwnTask(e){setTimeout(()=>{this.live&&e()},0)}async post(){for(;this.live&&this.outbox.length>0;){let e=this.outbox.slice(0,et),t=await this.
request("POST",{"Content-Type":"application/x-ndjson"},e.join(`
`));if(!t)return;if(t.status!==200){this.fail(t.status||500,1011,"internal server error");return}this.outbox=this.outbox.slice(e.length)}this.posting=!1}async request(e,t,n){
this.token!==null&&(t["X-Phoenix-Longpoll-Token"]=this.token);let i=new AbortController;this.requests.add(i);let s=!1,r=setTimeout(()=>{s=!0,i.abort()},this.timeout),
a;try{let c=await fetch(this.pollEndpoint,{method:e,headers:t,body:n??null,signal:i.signal,cache:"no-store"});a=tt(await c.json())}catch{a={status:0}}finally{clearTimeout(
r),this.requests.delete(i)}return s&&this.fail("timeout",1005,"timeout"),this.live?a:void 0}fail(e,t,n,i=f.connecting){if(this.live){this.stop(i);try{this.onerror?.(
e)}finally{this.emitClose({code:t,reason:n,wasClean:!1})}}}stop(e){this.live=!1,this.readyState=e,this.outbox=[];for(let t of this.requests)t.abort()}emitClose(e){
this.closeEmitted||(this.closeEmitted=!0,this.onclose?.(e))}};function tt(o){let e=o;return typeof e?.status=="number"?e:{status:0}}function nt(o){let e="";for(let t of new Uint8Array(
o))e+=String.fromCharCode(t);return btoa(e)}var T={push:0,reply:1,broadcast:2,keptBroadcast:5,keptPush:6,markedPush:7},Se=255,O={encode(o,e){let t=E(o.payload);if(t)return e(it(o,t));let{join_ref:n,ref:i,
topic:s,event:r,payload:a}=o;return e(JSON.stringify([n,i,s,r,a]))},decode(o,e){let t=E(o);if(t)return e(ot(t));if(typeof o!="string")throw new Error('cannot de\
code a frame that is neither text nor an ArrayBuffer: set binaryType to "arraybuffer"');let n=JSON.parse(o);if(!Array.isArray(n))throw new Error("cannot decode \
a text frame that is not a JSON array");let[i,s,r,a,c]=n;return e({join_ref:i,ref:s,topic:r,event:a,payload:c})}};function E(o){if(ArrayBuffer.isView(o))return new Uint8Array(
o.buffer,o.byteOffset,o.byteLength);if(Object.prototype.toString.call(o)==="[object ArrayBuffer]")return new Uint8Array(o)}function it(o,e){let t=[L("join_ref",
o.join_ref??""),L("ref",o.ref??""),L("topic",o.topic),L("event",o.event)];o.mark!==void 0&&t.push(L("mark",o.mark));let n=1+t.length+t.reduce((r,a)=>r+a.length,
0),i=new Uint8Array(n+e.length);i[0]=o.mark===void 0?T.push:T.markedPush,i.set(t.map(r=>r.length),1);let s=1+t.length;for(let r of t)i.set(r,s),s+=r.length;return i.
set(e,n),i.buffer}function L(o,e){let t=new TextEncoder().encode(e);if(t.length>Se)throw new Error(`unable to convert ${o} to binary: must be less than or equal\
 to ${Se} bytes, but is ${t.length} bytes`);return t}function ot(o){switch(o[0]){case T.push:{let{fields:[e,t,n],payload:i}=I(o,3);return{join_ref:e,ref:null,topic:t,
event:n,payload:i}}case T.reply:{let{fields:[e,t,n,i],payload:s}=I(o,4);return{join_ref:e,ref:t,topic:n,event:"phx_reply",payload:{status:i,response:s}}}case T.
broadcast:{let{fields:[e,t],payload:n}=I(o,2);return{join_ref:null,ref:null,topic:e,event:t,payload:n}}case T.keptBroadcast:{let{fields:[e,t,n],payload:i}=I(o,3);
return{join_ref:null,ref:e,topic:t,event:n,payload:i}}case T.keptPush:{let{fields:[e,t,n,i],payload:s}=I(o,4);return{join_ref:e,ref:t,topic:n,event:i,payload:s}}default:
throw new Error(`cannot decode a binary frame of kind ${o[0]}: known are 0 (push), 1 (reply), 2 (broadcast), 5 (kept broadcast) and 6 (kept push)`)}}function I(o,e){
let t=[...o.subarray(1,1+e)],n=1+e;if(t.length<e||o.length<t.reduce((r,a)=>r+a,n))throw new Error(`cannot decode a binary frame of ${o.length} bytes: it is shor\
ter than its header says`);let i=new TextDecoder;return{fields:t.map(r=>i.decode(o.subarray(n,n+=r))),payload:o.slice(n).buffer}}function F(o,e,t,n){let{topic:i,extensions:s,joinPush:r}=o;if(o.joinedOnce)throw new Error(`channel "${i}" has joined already: make its ${e} before`);if(s.has(t))
throw new Error(`channel "${i}" has its ${e} already`);s.size===0&&r.receive("ok",a=>st(s,a)),s.set(t,n)}function z(o,e,t,n){if(E(e))throw new Error(`the join p\
arams of "${o.topic}" are bytes, to which "${t}" cannot be added: use an object`);return{...e,[t]:n}}function st(o,e){let t=[...o].map(([n,i])=>{let s=e?.[n];return s!==
void 0&&delete e[n],{extension:i,told:s}});for(let{extension:n,told:i}of t)n.joined(i,e)}var V="_once",rt=32,_=class{channel;limit;maxBytes;waiting=new Map;lastNumber=0;session;joinRef=null;paused=!1;pauseTimer;constructor(e,t={}){F(e,"Outbox",V,this),
this.channel=e,this.limit=t.limit??100,this.maxBytes=t.maxBytes??64e3,this.pauseTimer=new k(()=>this.resume(),ct),e.onClose(()=>{this.pauseTimer.reset(),this.giveUp(
"closed")})}get size(){return this.waiting.size}push(e,t={},n=1/0){let{channel:i,limit:s,waiting:r}=this;if(!i.joinedOnce)throw new Error(`tried to push "${e}" \
to "${i.topic}" before joining: call join() first`);if(r.size>=s)throw new Error(`cannot push "${e}" to "${i.topic}": ${s} pushes wait for their answers, and th\
at is the limit`);let a=new ve(this,this.lastNumber+1,e,at(this,e,t),n);return this.lastNumber++,r.set(a.number,a),i.isClosed()?this.giveUp("closed"):this.flush(),
a}ask(e){return z(this.channel,e,V,this.session===void 0?!0:{session:this.session})}joined(e){e?.kept||this.giveUp(),this.session=e?.session,this.joinRef=this.channel.
joinRef(),this.pauseTimer.reset(),this.resume()}get done(){let[e]=this.waiting.keys();return e-1}settles(e,{status:t,response:n}){return t==="error"&&n?.[V]==="\
again"?(e.refused(),this.paused||this.pauseTimer.scheduleTimeout(),this.paused=!0,!1):(this.waiting.delete(e.number),this.paused||this.pauseTimer.reset(),this.flush(),
!0)}resume(){this.paused=!1,this.flush()}flush(){let{channel:e,joinRef:t,waiting:n}=this;if(this.paused||!e.canPush()||t!==e.joinRef())return;this.session===void 0&&
this.giveUp("not_supported");let i=0;for(let s of n.values()){if(i++===rt)return;if(s.sentIn!==t)try{s.send()}catch(r){this.fail(s,r instanceof Error?r.message:
String(r))}}}giveUp(e){for(let t of this.waiting.values()){let n=t.unanswered>0?"outcome_unknown":e;n&&this.fail(t,n)}}fail(e,t){this.waiting.delete(e.number),queueMicrotask(
()=>e.trigger("error",{reason:t}))}},ve=class extends w{number;sentIn=null;unanswered=0;outbox;constructor(e,t,n,i,s){super(e.channel,n,()=>i,s),this.outbox=e,this.
number=t,this.startTimeout()}send(){this.transmit(),this.sentIn=this.channel.joinRef(),this.unanswered++}refused(){this.sentIn=null,this.unanswered--}message(){
let e=super.message(),t={id:this.number,done:this.outbox.done};return E(e.payload)?{...e,mark:JSON.stringify(t)}:{...e,payload:{...e.payload,[V]:t}}}settle(e){this.
outbox.settles(this,e)&&super.settle(e)}};function at({channel:o,maxBytes:e},t,n){let i=E(n)?.slice();if(i&&!o.socket.marksBytes)throw new Error(`cannot mark th\
e bytes of "${t}": the socket has an encode of its own, which has no room for it`);let s=i?"":JSON.stringify(n)??"";if(!i&&!s.startsWith("{"))throw new Error(`c\
annot mark the payload of "${t}": it must be an object, or bytes`);let r=i?i.length:new TextEncoder().encode(s).length;if(r>e)throw new Error(`cannot push "${t}\
": its payload of ${r} bytes is larger than maxBytes, ${e}`);return i??JSON.parse(s)}function ct(o){return[50,100,200,500,1e3,2e3][o-1]??5e3}var B=class o{state=$();channel;joinRef=null;pending={joinRef:null,diffs:[]};joinCallback=()=>{};leaveCallback=()=>{};syncCallback=()=>{};constructor(e,t={}){let n=t.
events??{state:"presence_state",diff:"presence_diff"};this.channel=e,e.on(n.state,i=>this.receiveState(i)),e.on(n.diff,i=>this.receiveDiff(i))}onJoin(e){this.joinCallback=
e}onLeave(e){this.leaveCallback=e}onSync(e){this.syncCallback=e}list(e){return e?o.list(this.state,e):o.list(this.state)}inPendingSyncState(){return this.joinRef===
null||this.joinRef!==this.channel.joinRef()}receiveState(e){this.joinRef=this.channel.joinRef(),this.state=o.syncState(this.state,e,this.joinCallback,this.leaveCallback);
let{joinRef:t,diffs:n}=this.pending;if(this.pending={joinRef:null,diffs:[]},t===this.joinRef)for(let i of n)this.apply(i);this.syncCallback()}receiveDiff(e){if(!this.
inPendingSyncState()){this.apply(e),this.syncCallback();return}let t=this.channel.joinRef();this.pending.joinRef!==t&&(this.pending={joinRef:t,diffs:[]}),this.pending.
diffs.push(e)}apply(e){this.state=o.syncDiff(this.state,e,this.joinCallback,this.leaveCallback)}static syncState(e,t,n,i){let s=Object.assign($(),e),r=$(),a=$();
for(let[c,h]of Object.entries(t)){let u=q(h.metas,s[c]?.metas??[]);s[c]?u.length>0&&(r[c]={...h,metas:u}):r[c]=h}for(let[c,h]of Object.entries(s)){let u=Object.
hasOwn(t,c)?t[c].metas:[],p=q(h.metas,u);p.length>0&&(a[c]={...h,metas:p})}return o.syncDiff(s,{joins:r,leaves:a},n,i)}static syncDiff(e,t,n=()=>{},i=()=>{}){let s=Object.
getPrototypeOf(e)===null?e:Object.assign($(),e);for(let[r,a]of Object.entries(t.joins)){let c=s[r];s[r]=c?{...a,metas:[...q(c.metas,a.metas),...a.metas]}:a,n(r,
c,a)}for(let[r,a]of Object.entries(t.leaves)){let c=s[r];if(!c)continue;let h={...c,metas:q(c.metas,a.metas)};s[r]=h,i(r,h,a),h.metas.length===0&&delete s[r]}return s}static list(e,t){
return Object.entries(e).map(([n,i])=>t?t(n,i):i)}};function $(){return Object.create(null)}function q(o,e){let t=new Set(e.map(n=>n.phx_ref));return o.filter(n=>!t.
has(n.phx_ref))}function Re(o){Le()&&(window.addEventListener("pagehide",()=>o.hide()),window.addEventListener("pageshow",()=>o.show()),document.addEventListener("visibilitycha\
nge",()=>{ge()||o.visible()}))}function Ae(o){return Le()?(window.addEventListener("pagehide",o),()=>window.removeEventListener("pagehide",o)):()=>{}}function ge(){
return typeof document<"u"&&document.visibilityState==="hidden"}function Le(){return typeof window>"u"||typeof document>"u"?!1:"addEventListener"in window&&"add\
EventListener"in document}var K=class{storage;key;topic;unwritten;timer;constructor(e,t,n){this.storage=e,this.key=t,this.topic=n}read(){let e=this.load().get(this.topic);return typeof e==
"string"?e:void 0}save(e){this.unwritten=e,this.timer??=setTimeout(()=>this.flush(),1e3)}flush(){this.unwritten!==void 0&&this.write(this.unwritten)}forget(){this.
write(void 0)}write(e){clearTimeout(this.timer),this.timer=this.unwritten=void 0;let t=this.load(),n=t.delete(this.topic);if(e!==void 0)t.set(this.topic,e);else if(!n)
return;let i=[...t].slice(-100);try{this.storage.setItem(this.key,JSON.stringify(i))}catch{}}load(){try{return new Map(JSON.parse(this.storage.getItem(this.key)??
"[]"))}catch{return new Map}}};var ye="_history",H=class{channel;position;stored;recoveredCallback=()=>{};gapCallback=()=>{};constructor(e,t={}){F(e,"Recovery",ye,this),this.channel=e,t.storage&&
(this.stored=this.openStorage(t.storage,t.scope??"")),this.position=this.stored?.read()}onRecovered(e){this.recoveredCallback=e}onGap(e){this.gapCallback=e}ask(e){
return z(this.channel,e,ye,{after:this.position,binary:this.channel.socket.decodesPositions})}takes(e){let{ref:t,event:n,payload:i}=e;if(!lt(t))return!1;if(!this.
channel.isJoined())return!0;if(this.moveTo(t),n!==ye)return!1;let{recovered:s,skipped:r}=i;return s!==void 0&&this.recoveredCallback(s),r&&this.gapCallback(void 0),
!0}joined(e,t){let n=e?e.recovered===!1:this.position!==void 0;this.moveTo(e?.position),n&&this.gapCallback(t)}moveTo(e){this.position=e,e===void 0?this.stored?.
forget():this.stored?.save(e)}openStorage(e,t){let{channel:n}=this,i=new K(e,`roost:${n.socket.endPoint}:${t}`,n.topic),s=Ae(()=>i.flush());return n.onClose(()=>{
s(),i.forget()}),i}};function lt(o){return Number.isNaN(Number(o??0))}var dt=5,ht=150,G=class{transport;opened=!1;closing=!1;ending=!1;lossReported=!1;pings=new Map;detached=!1;closedCallbacks=[];constructor(e,t){this.transport=e;
let n=i=>s=>{this.detached||i(s)};e.onopen=n(()=>{this.opened=!0,t.open()}),e.onclose=n(t.close),e.onerror=n(t.error),e.onmessage=n(i=>t.message(i.data))}isOpen(){
return this.transport.readyState===f.open}detach(){this.detached=!0}close(e,t){if(this.closedCallbacks.push(t),this.closing)return;this.closing=!0,be(()=>!e.drain||
!this.transport.bufferedAmount||!this.isOpen(),()=>{this.transport.onerror=()=>{},e.code===void 0?this.transport.close():this.transport.close(e.code,e.reason??""),
e.closing(),be(()=>this.transport.readyState===f.closed,()=>this.finish())})}finish(){for(let e of this.closedCallbacks)e()}};function be(o,e,t=1){t===dt||o()?e():
setTimeout(()=>be(o,e,t+1),ht*t)}function Ie(){return globalThis.WebSocket}function Oe(){return globalThis.location}function _e(){try{return globalThis.sessionStorage}catch{return}}var $e="phx:fallback:LongPoll",X=class{socket;thresholdMs;storage;timer;refs=[];primaryWorked=!1;constructor(e,t,n){this.socket=e,this.thresholdMs=t,this.storage=
n??_e()}start(){if(this.cancel(),this.storage?.getItem($e)){this.fallBack("memorized");return}let e=!1,t=this.socket.onError(i=>{e||this.fallBack(i)}),n=this.socket.
onOpen(()=>{e=!0,this.limit("no answer to the ping"),this.socket.ping(i=>{this.socket.log("transport","connected to primary after",i),this.primaryWorked=!0,clearTimeout(
this.timer)})});this.refs=[t,n],this.limit("not open in time");try{this.socket.openTransport()}catch(i){throw this.cancel(),i}}cancel(){clearTimeout(this.timer),
this.socket.off(this.refs),this.refs=[]}limit(e){clearTimeout(this.timer),this.timer=setTimeout(()=>this.fallBack(e),this.thresholdMs)}fallBack(e){this.cancel(),
this.socket.log("transport","falling back to LongPoll...",e),this.socket.replaceTransport(m);let t=this.socket.onOpen(()=>{this.socket.off([t]),this.socket.log(
"transport","established LongPoll fallback"),this.primaryWorked||this.storage?.setItem($e,"true")});this.socket.reconnect()}};var Q=class{intervalMs;send;onTimeout;timer;pendingRef=null;constructor(e,t,n){this.intervalMs=e,this.send=t,this.onTimeout=n}start(){this.stop(),this.timer=setTimeout(
()=>this.beat(),this.intervalMs)}stop(){clearTimeout(this.timer),this.pendingRef=null}acknowledge(e){e!==null&&e===this.pendingRef&&this.start()}beat(){this.pendingRef=
this.send(),this.timer=setTimeout(()=>{this.pendingRef=null,this.onTimeout()},this.intervalMs)}};var Be=1e3,N=class{endPoint;timeout;vsn;heartbeatIntervalMs;longpollerTimeout;reconnectAfterMs;rejoinAfterMs;binaryType;transport;params;authToken;logger;channels=[];establishedConnections=0;customEncode;customDecode;fallback;heartbeat;reconnectTimer;connection=null;sendBuffer=[];ref=0;closeWasClean=!0;connectClock=0;callbacks=[];constructor(e,t={}){
this.endPoint=`${e}/websocket`,this.transport=t.transport??Ie()??m,this.timeout=t.timeout??1e4,this.vsn=t.vsn??"2.0.0",this.heartbeatIntervalMs=t.heartbeatIntervalMs??
3e4,this.longpollerTimeout=t.longpollerTimeout??2e4,this.reconnectAfterMs=t.reconnectAfterMs??ut,this.rejoinAfterMs=t.rejoinAfterMs??pt,this.binaryType=t.binaryType??
"arraybuffer",this.params=M(t.params??{}),this.authToken=t.authToken===void 0?void 0:M(t.authToken),this.logger=t.logger??(t.debug?(n,i,s)=>console.log(`${n}: ${i}`,
s):null),this.customEncode=t.encode,this.customDecode=t.decode,this.fallback=t.longPollFallbackMs?new X(this,t.longPollFallbackMs,t.sessionStorage):void 0,this.
heartbeat=new Q(this.heartbeatIntervalMs,()=>this.sendHeartbeat(),()=>this.heartbeatTimedOut()),this.reconnectTimer=new k(()=>this.reconnectUnlessHidden(),this.
reconnectAfterMs),this.followPage()}connect(e){e&&(this.params=M(e)),!(this.connection&&!this.connection.ending)&&(this.fallback&&this.transport!==m?this.fallback.
start():this.openTransport())}disconnect(e,t,n){this.abandon(),this.connection&&(this.connection.ending=!0),this.teardown(e,{code:t,reason:n})}replaceTransport(e){
this.abandon();let t=this.transport;this.transport=e;let n=this.connection;n&&(n.detach(),this.teardown(void 0,{drain:!1}),this.connection=null,n.opened&&this.reportLoss(
n,"connection_closed")),t!==e&&this.call("transport",e)}getLongPollTransport(){return m}channel(e,t={}){let n=new Y(e,t,this);return this.channels.push(n),n}push(e,t=()=>!0){
let{topic:n,event:i,payload:s,ref:r,join_ref:a}=e;if(this.log("push",`${n} ${i} (${a}, ${r})`,s),this.isConnected()){this.send(e);return}this.sendBuffer=this.sendBuffer.
filter(c=>c.stillWanted()),this.sendBuffer.push({message:e,stillWanted:t})}ping(e){if(!this.connection?.isOpen())return!1;let t=this.makeRef(),n=Date.now();return this.
connection.pings.set(t,()=>e(Date.now()-n)),this.push(He(t)),!0}onOpen(e){return this.addCallback("open",e)}onClose(e){return this.addCallback("close",e)}onError(e){
return this.addCallback("error",e)}onMessage(e){return this.addCallback("message",e)}onReconnect(e){return this.addCallback("reconnect",e)}onTransport(e){return this.
addCallback("transport",e)}off(e){this.callbacks=this.callbacks.filter(({ref:t})=>!e.includes(t))}connectionState(){switch(this.conn?.readyState){case f.connecting:
return"connecting";case f.open:return"open";case f.closing:return"closing";default:return"closed"}}isConnected(){return this.connectionState()==="open"}get conn(){
return this.connection?.transport??null}protocol(){return Ne(this.endPoint).protocol==="https:"?"wss":"ws"}endPointURL(){let e=fe(fe(this.endPoint,this.params()),
{vsn:this.vsn});return e.startsWith("/")?e.startsWith("//")?`${this.protocol()}:${e}`:`${this.protocol()}://${Ne(this.endPoint).host}${e}`:e}makeRef(){return this.
ref=this.ref===Number.MAX_SAFE_INTEGER?0:this.ref+1,this.ref.toString()}log(e,t,n){this.logger?.(e,t,n)}hasLogger(){return this.logger!==null}openTransport(){let e=this.
authToken&&je(this.authToken()),t=new this.transport(this.endPointURL(),e);t.binaryType=this.binaryType,t.timeout=this.longpollerTimeout;let n=this.connection;n?.
detach(),this.connectClock++,this.closeWasClean=!1,this.reconnectTimer.cancel();let i=new G(t,{open:()=>this.onConnOpen(),close:s=>this.onConnClose(i,s),error:s=>this.
onConnError(i,s),message:s=>this.onConnMessage(i,s)});this.connection=i,n?.opened&&this.reportLoss(n,"connection_closed")}reconnect(){let e=this.connectClock;this.
teardown(()=>{if(e===this.connectClock)try{this.connect()}catch(t){this.log("transport","cannot connect",t),this.callErrorCallbacks(t),this.scheduleReconnect()}})}remove(e){
this.off(e.stateChangeRefs),this.channels=this.channels.filter(t=>t!==e)}leaveOpenTopic(e){let t=this.channels.find(n=>n.topic===e&&(n.isJoined()||n.isJoining()));
t&&(this.log("transport",`leaving duplicate topic "${e}"`),t.leave())}onConnOpen(){this.log("transport",`connected to ${this.endPoint}`),this.establishedConnections++,
this.flushSendBuffer(),this.reconnectTimer.reset(),this.conn?.skipHeartbeat||this.heartbeat.start(),this.call("open")}onConnClose(e,t){this.log("transport","clo\
se",t),this.heartbeat.stop(),!e.closing&&t.code===Be&&(this.abandon(),this.connection=null),this.reportLoss(e,"connection_closed"),this.connection===e&&!e.closing&&
this.scheduleReconnect(),this.call("close",t)}onConnError(e,t){this.log("transport","error",t);let n=this.transport,i=this.establishedConnections;this.callErrorCallbacks(
t),(n===this.transport||i>0)&&this.reportLoss(e,"connection_error")}callErrorCallbacks(e){this.call("error",e,this.transport,this.establishedConnections)}onConnMessage(e,t){
let n=!1,i=this.transport===m?O.decode:this.customDecode??O.decode;try{i(t,s=>{n=!0,this.connection===e&&e.isOpen()&&this.dispatch(e,s)})}catch(s){if(n)throw s;
this.log("transport","dropping malformed message",s)}}dispatch(e,t){let{topic:n,event:i,payload:s,ref:r,join_ref:a}=t;this.heartbeat.acknowledge(r),this.log("re\
ceive",`${n} ${i} (${a}, ${r})`,s);for(let h of[...this.channels])h.receive(t);if(this.call("message",t),r===null)return;let c=e.pings.get(r);e.pings.delete(r),
c?.()}get decodesPositions(){return this.customDecode===void 0}get marksBytes(){return this.customEncode===void 0}send(e){let t=this.connection;(this.transport===
m?O.encode:this.customEncode??O.encode)(e,i=>{t===this.connection&&t?.isOpen()&&t.transport.send(i)})}flushSendBuffer(){let e=this.sendBuffer;this.sendBuffer=[];
for(let{message:t,stillWanted:n}of e)if(n())try{this.send(t)}catch(i){this.log("transport",`dropping a message to ${t.topic} that cannot be encoded`,i)}}sendHeartbeat(){
let e=this.makeRef();return this.push(He(e)),e}heartbeatTimedOut(){this.log("transport","heartbeat timeout. Attempting to re-establish connection");let e=this.connectClock,
t=()=>{e===this.connectClock&&this.scheduleReconnect()};this.teardown(t,{code:Be,reason:"heartbeat timeout",drain:!1,loss:"heartbeat_timeout"})}scheduleReconnect(){
this.call("reconnect",...this.reconnectTimer.scheduleTimeout())}reconnectUnlessHidden(){ge()?(this.log("transport","not reconnecting while the page is hidden"),
this.teardown()):this.reconnect()}abandon(){this.connectClock++,this.closeWasClean=!0,this.fallback?.cancel(),this.reconnectTimer.reset()}teardown(e,t={}){let n=this.
connection;if(!n){e?.();return}this.heartbeat.stop();let{code:i,reason:s,drain:r=!0,loss:a="connection_closed"}=t,c=()=>{n.opened&&this.reportLoss(n,a)};n.close(
{code:i,reason:s,drain:r,closing:c},()=>{this.connection===n&&(n.detach(),this.connection=null),e?.()})}reportLoss(e,t){if(e.lossReported)return;e.lossReported=
!0;let n=i=>i.isJoined()||i.isJoining();for(let i of this.channels.filter(n))n(i)&&i.trigger("phx_error",{source:"transport",reason:t})}call(e,...t){for(let n of this.
callbacks.filter(i=>i.kind===e))n.callback(...t)}addCallback(e,t){let n=this.makeRef();return this.callbacks.push({ref:n,kind:e,callback:t}),n}followPage(){let e;
Re({hide:()=>{!this.connection||this.connection.ending||(this.disconnect(),e=this.connectClock)},show:()=>{e===this.connectClock&&this.connect()},visible:()=>{this.
isConnected()||this.closeWasClean||(this.reconnectTimer.reset(),this.reconnect())}})}};function He(o){return{join_ref:null,ref:o,topic:"phoenix",event:"heartbea\
t",payload:{}}}function ut(o){return[10,50,100,150,200,250,500,1e3,2e3][o-1]??5e3}function pt(o){return[1e3,2e3,5e3][o-1]??1e4}function Ne(o){let e=Oe();if(!e)throw new Error(
`endpoint "${o}" is relative and there is no page it could be relative to: give a full URL such as "wss://example.com/socket"`);return e}var ft=2500,mt=2e3,Z=class{constructor(e,t,n,i){this.told=i;this.socket=new N(e,{authToken:t,longPollFallbackMs:ft}),this.channel=this.socket.channel(`videos:${n}`,
()=>({revision:this.revision})),new H(this.channel),this.outbox=new _(this.channel)}told;socket;channel;outbox;revision=0;more=!1;lastTyping=0;start(){this.channel.
on("video_deleted",()=>this.told.ended("not found")),this.channel.onClose(e=>this.told.ended(e?.reason??"")),this.channel.join().receive("ok",e=>this.joined(e)).
receive("error",({reason:e})=>{this.told.refused(e),e==="not found"&&this.channel.leave()}),this.socket.connect()}send(e,t){return new Promise((n,i)=>{try{this.
outbox.push(e,t).receive("ok",n).receive("error",i)}catch{i({reason:"busy"})}})}typing(){let e=Date.now();e-this.lastTyping<mt||!this.channel.isJoined()||(this.
lastTyping=e,this.channel.push("typing"))}get polls(){return this.socket.transport===m}joined(e){this.told.joined(e),e.resumed?this.askForMore():this.show({...e,
more:e.more||this.more})}show(e){this.told.page(e),this.revision=e.revision,this.more=e.more,this.askForMore()}askForMore(){this.more&&this.channel.push("more_a\
nnotations",{revision:this.revision}).receive("ok",e=>this.show(e))}};function j({reason:o,field:e,error:t}){switch(o){case"invalid payload":return e==="body"?`\
Your text ${t}.`:`The ${e} ${t}.`;case"rate limited":case"busy":return"That was too fast.";case"muted":return"You are muted.";case"not found":return"It is not t\
here any more.";case"not allowed":return"That is not yours to do.";case"outcome_unknown":case"crashed":return"Nobody knows whether that was kept.";default:return"\
That could not be kept."}}function ee(o,e){let t=l("confirm");return l("confirm-question").textContent=o,l("confirm-yes").textContent=e,t.returnValue="",t.showModal(),new Promise(n=>{t.addEventListener(
"close",()=>n(t.returnValue==="yes"),{once:!0})})}var P=class{constructor(e,t,n,i){this.body=t;this.attempt=n;this.settled=i;let s=d("p","body",t);this.row.dataset.testid="pending",this.row.tabIndex=-1,this.state.
setAttribute("role","status"),this.row.append(b(e.id,e.name),d("span","name",`${e.name} (you)`),s,this.state),this.send()}body;attempt;settled;row=d("li","pendi\
ng");uncertain=!1;onDiscard=()=>{};state=d("p","state");discard(){this.onDiscard()}send(){this.uncertain=!1,this.row.classList.remove("failed"),this.state.replaceChildren(
"Sending…"),this.attempt().then(e=>{this.discard(),this.settled(e)},e=>this.fail(e))}fail(e){this.uncertain=e.reason==="outcome_unknown"||e.reason==="crashed",
this.row.classList.add("failed"),this.state.replaceChildren(`${j(e)} `,v("Try again",()=>this.send()),v("Discard",()=>this.discard()))}};var S=class{constructor(e,t,n){this.list=e;this.hint=t;this.badge=n;e.addEventListener("scroll",()=>this.look(),{passive:!0}),new ResizeObserver(()=>this.look()).
observe(e),t.addEventListener("click",()=>this.go())}list;hint;badge;rows=new Set;add(e){this.rows.add(e),this.look()}forget(e){this.rows.delete(e),this.look()}go(){
let[e]=this.rows;e&&(te(this.list,e),e.focus({preventScroll:!0}))}look(){for(let t of this.rows)this.sees(t)&&this.rows.delete(t);let e=this.rows.size;this.hint.
hidden=e===0,this.hint.textContent=`${e} new`,this.badge.hidden=e===0,this.badge.textContent=String(e)}sees(e){let{top:t,bottom:n,height:i}=this.list.getBoundingClientRect(),
s=e.getBoundingClientRect();return i>0&&s.top<n-8&&s.bottom>t+8}};function te(o,e){let t=e.offsetTop-(o.clientHeight-e.clientHeight)/2;o.scrollTo({top:t,behavior:we()?
"auto":"smooth"})}function we(){return matchMedia("(prefers-reduced-motion: reduce)").matches}var vt=5e3,gt=200,ne=class{constructor(e,t,n,i,s,r){this.me=e;this.maxBody=t;this.player=n;this.timeline=i;this.conversation=s;this.announcer=r;n.onChange(()=>this.
follow())}me;maxBody;player;timeline;conversation;announcer;revisions=new Map;items=[];byId=new Map;pending=new Set;list=l("annotations");empty=l("annotations-e\
mpty");number=l("annotation-count");caption=l("caption");unread=new S(this.list,l("annotations-new"),l("annotations-badge"));captioned;show({annotations:e,removed:t}){
for(let n of e)this.put(n);for(let n of t)this.take(n);this.list.removeAttribute("aria-busy"),this.empty.textContent="Nothing yet. Play the video, and be the fi\
rst to say something.",this.changed()}add(e){let t=this.byId.has(e.id),n=this.put(e);this.changed(),!(!n||t||e.user.id===this.me.id)&&(this.unread.add(n.row),this.
announcer.came("annotation"))}remove(e){this.take(e),this.changed()}write(e,t){let n=()=>this.conversation.send("new_annotation",{at:e,body:t}),i=new P(this.me,
t,n,r=>this.add(r)),s={at:e,row:i.row};i.row.prepend(d("span","time",y(e))),this.pending.add(i),i.onDiscard=()=>{this.pending.delete(i),this.takeAway(s),this.changed()},
this.insert(s),this.changed(),te(this.list,i.row)}failed(e){this.list.removeAttribute("aria-busy"),this.empty.textContent=e}put(e){if(!this.isNews(e))return;let{
id:t,at:n,user:i}=e,s=this.byId.get(t),r={at:n,annotation:e,row:Ce(e,i.id===this.me.id,this.maxBody,this.actions(e))};return this.byId.set(t,r),this.timeline.add(
t,n,i.id),s?this.replace(s,r):(this.dropUncertain(e),this.insert(r)),r}take(e){if(!this.isNews(e))return;let t=this.byId.get(e.id);t&&(this.byId.delete(e.id),this.
timeline.remove(e.id),this.takeAway(t))}isNews({id:e,revision:t}){return(this.revisions.get(e)??0)>=t?!1:(this.revisions.set(e,t),!0)}actions({id:e,at:t,user:n,
body:i}){let s=n.id===this.me.id;return{seek:()=>this.player.seek(t),edit:s?r=>{this.change("edit_annotation",{id:e,body:r})}:void 0,remove:s||this.me.isOwner?()=>{
this.askToRemove(e,i)}:void 0}}async askToRemove(e,t){await ee(`Delete “${t}”?`,"Delete")&&await this.change("remove_annotation",{id:e})}async change(e,t){let n=this.
byId.get(t.id)?.row;n?.setAttribute("aria-busy","true");try{let i=await this.conversation.send(e,t);"user"in i?this.add(i):this.remove(i)}catch(i){n?.removeAttribute(
"aria-busy"),this.announcer.alert(j(i))}}insert(e){let t=this.items.length;for(;t>0&&e.at<this.items[t-1].at;)t--;this.list.insertBefore(e.row,this.items[t]?.row??
null),this.items.splice(t,0,e),this.moved(t+1,-e.row.offsetHeight)}replace(e,t){this.items[this.items.indexOf(e)]=t;let n=e.row.contains(document.activeElement);
e.row.replaceWith(t.row),n&&t.row.focus()}takeAway(e){let t=this.items.indexOf(e);if(t<0)return;let{row:n}=e,i=n.offsetHeight;n.contains(document.activeElement)&&
(this.items[t+1]?.row??this.list).focus(),n.remove(),this.unread.forget(n),this.items.splice(t,1),this.moved(t,i)}moved(e,t){if(!(we()||this.list.offsetHeight===
0||this.list.ariaBusy))for(let{row:n}of this.items.slice(e))n.animate([{transform:`translateY(${t}px)`},{transform:"none"}],gt)}changed(){let e=this.items.length;
this.number.textContent=e>0?String(e):"",this.empty.hidden=e>0,this.timeline.follow(),this.follow()}dropUncertain({user:e,body:t}){if(e.id===this.me.id)for(let n of this.
pending)n.uncertain&&n.body===t&&n.discard()}follow(){let e=this.player.now(),t;for(let n of this.items){let i=n.at<=e&&e<n.at+vt;n.row.classList.toggle("curren\
t",i),n.annotation&&(this.timeline.highlight(n.annotation.id,i),i&&(t=n))}this.showCaption(t)}showCaption(e){if(e?.annotation===this.captioned?.annotation||(this.
captioned=e,this.caption.hidden=!e,!e?.annotation))return;let{user:t,body:n}=e.annotation;this.caption.replaceChildren(d("strong","",t.name)," ",n),this.list.matches(
":hover, :focus-within")||te(this.list,e.row)}};var yt=6e3,bt=6e3,ie=class{region=l("announcer");toast=l("toast");toastTimer;counts=new Map;timer;came(e){this.counts.set(e,(this.counts.get(e)??0)+1),this.timer??=
setTimeout(()=>this.tell(),yt)}alert(e){this.toast.textContent=e,this.toast.hidden=!1,clearTimeout(this.toastTimer),this.toastTimer=setTimeout(()=>this.toast.hidden=
!0,bt)}tell(){this.timer=void 0,this.region.textContent=[...this.counts].map(([e,t])=>`${t} new ${e}${t>1?"s":""}`).join(", "),this.counts.clear()}};var wt=40,kt=new Intl.DateTimeFormat(void 0,{hour:"numeric",minute:"2-digit"}),oe=class{constructor(e,t,n){this.me=e;this.conversation=t;this.announcer=n;new ResizeObserver(
()=>this.toEnd()).observe(this.list)}me;conversation;announcer;ids=new Set;list=l("messages");empty=l("messages-empty");unread=new S(this.list,l("messages-new"),
l("chat-badge"));reset(e){for(let n of this.list.querySelectorAll("[data-id]"))n.remove();this.ids.clear();let t=this.list.firstElementChild;for(let n of e)this.
insert(n,t);this.list.removeAttribute("aria-busy"),this.empty.textContent="Nobody has said anything yet.",this.toEnd()}add(e){if(this.ids.has(e.id))return;let t=this.
atEnd(),n=this.insert(e);(t||e.user.id===this.me.id)&&this.toEnd(),e.user.id!==this.me.id&&(this.unread.add(n),this.announcer.came("message"))}say(e){let t=()=>this.
conversation.send("new_message",{body:e}),n=new P(this.me,e,t,i=>this.add(i));n.onDiscard=()=>n.row.remove(),this.list.append(n.row),this.empty.hidden=!0,this.toEnd()}insert(e,t=null){
let{id:n,user:i,body:s,sent_at:r,muted:a}=e,c=d("li");c.dataset.id=String(n),c.dataset.testid="message",c.tabIndex=-1;let h=d("time","sent",kt.format(r));h.dateTime=
new Date(r).toISOString();let u=i.id===this.me.id,p=d("span","name",u?`${i.name} (you)`:i.name);a&&p.append(" ",d("small","muted",u?"hidden from others":"muted"));
let C=d("p","body",s);return C.dataset.testid="message-text",c.append(b(i.id,i.name),p,h,C),this.ids.add(n),this.list.insertBefore(c,t),this.empty.hidden=!0,c}atEnd(){
let{scrollHeight:e,scrollTop:t,clientHeight:n}=this.list;return e-t-n<wt}toEnd(){this.list.scrollTop=this.list.scrollHeight}};var D=class{constructor(e,t,n){this.send=t;this.typing=n;this.form=l(e),this.input=this.form.querySelector("input"),this.form.addEventListener("submit",i=>{i.preventDefault(),
this.submit()}),this.input.addEventListener("input",()=>{this.input.value.trim()!==""&&this.typing()})}send;typing;input;form;close(){this.form.hidden=!0}submit(){
let e=this.input.value.trim();e!==""&&(this.input.value="",this.send(e),this.input.dispatchEvent(new Event("input")))}};var Tt=4,se=class{constructor(e){this.conversation=e;let{socket:t,channel:n}=e;t.onReconnect(i=>this.waits(i)),t.onClose(()=>this.offline()),t.onError(()=>this.
failed()),t.onOpen(()=>this.showTransport()),t.onTransport(()=>this.showTransport()),n.onError(()=>this.offline()),this.tryNow.addEventListener("click",()=>{this.
showCountdown("Trying…"),t.disconnect(()=>t.connect())})}conversation;banner=l("offline");text=l("offline-text");countdown=l("countdown");tryNow=l("try-now");logIn=l(
"offline-login");node=l("node");transport=l("transport");failures=0;nextTry=0;timer;online(e){this.failures=0,this.stop(),this.banner.hidden=!0,this.node.hidden=
e===void 0,this.node.textContent=`node ${e}`,this.showTransport()}close(){this.online(),this.transport.hidden=!0}offline(){this.conversation.channel.isClosed()||
(this.node.hidden=!0,this.banner.hidden&&(this.banner.hidden=!1,this.text.textContent="You are offline. What you write is sent when you are back.",this.showCountdown(
"Reconnecting…")))}failed(){this.offline(),++this.failures%Tt===0&&this.checkSession()}waits(e){this.nextTry=Date.now()+e,clearInterval(this.timer),this.timer=
setInterval(()=>this.tick(),250),this.tick()}tick(){let e=Math.ceil((this.nextTry-Date.now())/1e3);this.showCountdown(e>0?`Next try in ${e} s.`:"Trying…"),e<=
0&&this.stop()}showCountdown(e){this.countdown.textContent!==e&&(this.countdown.textContent=e)}showTransport(){this.transport.hidden=!this.conversation.polls}stop(){
clearInterval(this.timer)}async checkSession(){(await fetch("/session",{cache:"no-store"}).catch(()=>null))?.status===401&&(this.text.textContent="You are logge\
d out.",this.logIn.hidden=!1,this.tryNow.hidden=!0,this.countdown.hidden=!0)}};function re(o){let e=document.createElement("p");return e.className="notice",e.setAttribute("role","status"),e.textContent=`${o} You can still read the annotati\
ons.`,e}var ae=class{constructor(e){this.video=e;e.error?this.fail():e.addEventListener("error",()=>this.fail())}video;now(){return Math.round(this.video.currentTime*1e3)}length(){
let e=this.video.duration;return Number.isFinite(e)?Math.round(e*1e3):0}seek(e){this.video.currentTime=e/1e3}onChange(e){for(let t of["timeupdate","seeking","du\
rationchange","ended"])this.video.addEventListener(t,e)}fail(){this.video.replaceWith(re("This video cannot be played. It may have moved."))}};var Et="https://www.youtube.com/iframe_api",xt=250,ce=class{player=null;callbacks=[];last=-1;constructor(e,t){window.onYouTubeIframeAPIReady=()=>{let i=new window.
YT.Player(e,{host:"https://www.youtube-nocookie.com",videoId:t,playerVars:{origin:location.origin,playsinline:1,rel:0},events:{onReady:()=>this.ready(i)}})};let n=document.
createElement("script");n.src=Et,n.addEventListener("error",()=>document.getElementById(e)?.replaceWith(re("YouTube cannot be reached."))),document.head.append(
n)}now(){return Math.round((this.player?.getCurrentTime()??0)*1e3)}length(){return Math.round((this.player?.getDuration()??0)*1e3)}seek(e){this.player?.seekTo(e/
1e3,!0)}onChange(e){this.callbacks.push(e)}ready(e){this.player=e,setInterval(()=>this.tick(),xt),this.tell()}tick(){let e=this.now();e!==this.last&&(this.last=
e,this.tell())}tell(){for(let e of this.callbacks)e()}};function De(o,e){return o==="youtube"?new ce("youtube-player",e):new ae(document.querySelector("#video"))}function Je(){let o=l("watch"),t=[...l("tabs").querySelectorAll("[role=tab]")],n=t.map(a=>l(a.getAttribute("aria-controls"))),i=a=>{o.dataset.tab=a.dataset.tab;
for(let c of t)c.ariaSelected=String(c===a),c.tabIndex=c===a?0:-1};for(let[a,c]of t.entries())c.addEventListener("click",()=>i(c)),c.addEventListener("keydown",
({key:h})=>{let u={ArrowRight:1,ArrowLeft:-1}[h],p=u&&t[(a+u+t.length)%t.length];p&&(i(p),p.focus())});let s=matchMedia("(width < 62rem)"),r=()=>{for(let a of n)
s.matches?a.setAttribute("role","tabpanel"):a.removeAttribute("role")};s.addEventListener("change",r),r()}var le=class{constructor(e){this.player=e;this.slider.addEventListener("input",()=>e.seek(Number(this.slider.value))),this.previous.addEventListener("click",()=>this.
go(this.before())),this.next.addEventListener("click",()=>this.go(this.after())),e.onChange(()=>this.follow()),this.follow()}player;slider=l("timeline");track=l(
"marks");previous=l("previous");next=l("next");marks=new Map;length=0;add(e,t,n){this.remove(e);let i=d("span",`mark tint-${n%6}`);this.marks.set(e,{at:t,mark:i}),
this.track.append(i),this.place(t,i)}remove(e){this.marks.get(e)?.mark.remove(),this.marks.delete(e)}highlight(e,t){this.marks.get(e)?.mark.classList.toggle("cu\
rrent",t)}follow(){let e=this.player.now();if(this.player.length()!==this.length){this.length=this.player.length(),this.slider.max=String(this.length);for(let{at:t,
mark:n}of this.marks.values())this.place(t,n)}this.slider.disabled=this.length===0,this.slider.value=String(e),this.slider.setAttribute("aria-valuetext",`${y(e)}\
 of ${y(this.length)}`),this.slider.style.setProperty("--played",this.length>0?`${100*e/this.length}%`:"0%"),this.previous.disabled=this.before()===void 0,this.
next.disabled=this.after()===void 0}before(){let e=this.player.now()-500;return We([...this.marks.values()].map(({at:t})=>t).filter(t=>t<e))}after(){let e=this.
player.now();return We([...this.marks.values()].map(({at:t})=>-t).filter(t=>-t>e&&-t<=this.length),-1)}go(e){e!==void 0&&this.player.seek(e)}place(e,t){t.hidden=
this.length===0||e>this.length,t.hidden||(t.style.insetInlineStart=`${100*e/this.length}%`)}};function We(o,e=1){return o.length>0?e*Math.max(...o):void 0}var de=class{constructor(e,t,n,i){this.me=e;this.ownerId=t;this.conversation=n;this.announcer=i;this.presence=new B(n.channel),this.presence.onSync(()=>this.show())}me;ownerId;conversation;announcer;list=l(
"viewers");number=l("viewer-count");typing=document.querySelectorAll(".typing");presence;muted=new Map;setMuted(e){this.muted=new Map(e.map(({id:t,name:n})=>[t,
n])),this.show()}mute({user:e,muted:t}){t?this.muted.set(e.id,e.name):this.muted.delete(e.id),this.show()}show(){let e=this.presence.list((s,{metas:r})=>({id:Number(
s),name:r[0]?.name??"",pages:r.length,typing:r.some(({typing:a})=>a)})),t=[...this.muted].filter(([s])=>!e.some(r=>r.id===s)),n=[...e,...t.map(([s,r])=>({id:s,name:r,
pages:0,typing:!1}))];n.sort((s,r)=>+(r.id===this.me.id)-+(s.id===this.me.id)||s.name.localeCompare(r.name)||s.id-r.id);let i=this.list.contains(document.activeElement)&&
document.activeElement?.closest("li")?.dataset.userId;this.list.replaceChildren(...n.map(s=>this.row(s))),i&&this.list.querySelector(`[data-user-id="${i}"] butt\
on`)?.focus(),this.number.textContent=String(e.length),this.showTyping(e.filter(({id:s,typing:r})=>r&&s!==this.me.id))}showTyping(e){let[t,n,...i]=e.map(({name:r})=>r),
s="";t&&(s=`${t} is writing…`),n&&(s=i.length>0?`${t}, ${n} and others are writing…`:`${t} and ${n} are writing…`);for(let r of this.typing)r.textContent=
s}row({id:e,name:t,pages:n,typing:i}){let s=d("li",i?"writes":"");if(s.dataset.userId=String(e),s.dataset.sessions=String(n),s.dataset.testid="viewer",s.append(
b(e,t),d("span","name",e===this.me.id?`${t} (you)`:t)),n>1){let r=d("span","times",`×${n}`);r.title=`on ${n} pages`,s.append(r)}return i&&s.append(d("span","fo\
r-ears","is writing")),e===this.ownerId&&s.append(d("span","role","owner")),this.muted.has(e)&&s.append(d("span","role",n>0?"muted":"muted, away")),this.me.isOwner&&
e!==this.me.id&&s.append(...this.tools(e,t,n>0)),s}tools(e,t,n){let i=this.muted.has(e),s=()=>{this.moderate(async()=>this.mute(await this.conversation.send("mu\
te_viewer",{user_id:e,muted:!i})))},r=()=>{this.moderate(async()=>{await ee(`Send ${t} away from this video?`,"Send away")&&await this.conversation.send("kick_v\
iewer",{user_id:e})})},a=[v(`${i?"Unmute":"Mute"} ${t}`,s,i?"unmute":"mute")];return n&&a.push(v(`Send ${t} away`,r,"kick")),a}async moderate(e){try{await e()}catch(t){
this.announcer.alert(j(t))}}};var g=l("watch").dataset,Ct=Number(g.ownerId),W={id:Number(g.userId),name:g.userName,isOwner:g.ownerId===g.userId},Mt=Number(g.maxBody);Je();var ke=new ie,R=De(
g.sourceKind,g.sourceRef),x=new Z(g.socketUrl,g.socketToken,g.videoId,{joined:Pt,page:o=>A.show(o),refused:St,ended:Rt}),{channel:U}=x,Fe=new se(x),A=new ne(W,Mt,
R,new le(R),x,ke),Te=new oe(W,x,ke),ze=new de(W,Ct,x,ke),Ue=()=>x.typing(),Ve=[new D("annotation-form",At,Ue),new D("message-form",o=>Te.say(o),Ue)],J=null,Ye=Ve[0].
input,jt=l("annotation-at");Ye.addEventListener("input",()=>{Ye.value===""?J=null:J??=R.now(),Ee()});R.onChange(Ee);Ee();U.on("annotation_added",o=>A.add(o));U.
on("annotation_edited",o=>A.add(o));U.on("annotation_removed",o=>A.remove(o));U.on("message_added",o=>Te.add(o));U.on("viewer_muted",o=>{o.user.id===W.id?qe(o.muted):
ze.mute(o)});x.start();function Pt(o){Fe.online(o.node),qe(o.muted),W.isOwner&&ze.setMuted(o.muted_viewers??[]),o.resumed||Te.reset(o.messages)}function St(o){o!==
"not found"&&A.failed("The annotations cannot be loaded at the moment. Trying again…")}function Rt(o){let e=l("ended");if(!e.hidden)return;let[t,n]={"not foun\
d":["This video is gone","Its owner has deleted it, with all annotations."],"kicked by the owner":["You were sent away","The owner of this video has ended your \
visit. You no longer see what others write here."]}[o]??["That was it","The server has ended this conversation. Load the page anew to come back."];l("ended-titl\
e").textContent=t,l("ended-text").textContent=n,e.hidden=!1,Fe.close();for(let i of Ve)i.close();l("watch").classList.add("over"),e.focus()}function qe(o){l("mu\
ted").hidden=!o}function At(o){A.write(J??R.now(),o),J=null}function Ee(){jt.textContent=y(J??R.now())}
