import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;
import org.eclipse.californium.core.CoapResource;
import org.eclipse.californium.core.coap.CoAP.ResponseCode;
import org.eclipse.californium.core.coap.Response;
import org.eclipse.californium.core.network.Exchange;
import org.eclipse.californium.core.observe.ObserveRelation;
import org.eclipse.californium.core.server.resources.CoapExchange;
import org.eclipse.californium.core.server.resources.Resource;

/**
 * GET /api/v1/TOKEN/attributes, as CoapTransportResource of ThingsBoard does it, for one device.
 *
 * <p>The state after a registration and all changes are answers to that one request, counted
 * from 0 in the order in which they are made. So a change may be the first of them.
 */
final class Attributes extends CoapResource {
    private final Map<String, Integer> values = new TreeMap<>();
    private final AtomicInteger count = new AtomicInteger();
    private CoapExchange observer;
    private Runnable meeting = () -> {};

    Attributes() {
        super("attributes");
        setObservable(true);
    }

    /** What is registered at the server: /api, and below it this. */
    Resource root() {
        return new Api(this);
    }

    synchronized void set(String name, int value) {
        values.put(name, value);
        if (observer != null) {
            respond(observer, Map.of(name, value));
        }
    }

    /** Change between the next registration and its answer. */
    synchronized void meet(String name, int value) {
        meeting = () -> set(name, value);
    }

    synchronized void forget() {
        observer = null;
    }

    @Override
    public synchronized void handleGET(CoapExchange exchange) {
        Integer observe = exchange.getRequestOptions().getObserve();
        if (observe != null && observe == 0) {
            observer = exchange;
            count.set(0);
            meeting.run();
            meeting = () -> {};
            Server.backEnd.schedule(
                    () -> tellAll(exchange), Server.LOOK_UP_MS, TimeUnit.MILLISECONDS);
        } else if (observe == null) {
            // What is asked for by name.
            exchange.respond(ResponseCode.CONTENT, "{\"shared\":" + json(values) + "}");
        }
    }

    private synchronized void tellAll(CoapExchange exchange) {
        if (exchange == observer) {
            respond(exchange, values);
        }
    }

    private void respond(CoapExchange exchange, Map<String, Integer> members) {
        Response response = new Response(ResponseCode.CONTENT);
        response.setPayload(json(members));
        response.setConfirmable(exchange.advanced().getRequest().isConfirmable());
        exchange.respond(response);
    }

    private static String json(Map<String, Integer> members) {
        return members.entrySet().stream()
                .map(member -> "\"" + member.getKey() + "\":" + member.getValue())
                .collect(Collectors.joining(",", "{", "}"));
    }

    @Override
    public void checkObserveRelation(Exchange exchange, Response response) {
        ObserveRelation relation = exchange.getRelation();
        if (relation != null && !relation.isCanceled()) {
            if (!relation.isEstablished()) {
                relation.setEstablished();
                addObserveRelation(relation);
            }
            response.getOptions().setObserve(count.getAndIncrement());
        }
    }

    /** /api/v1/TOKEN/..., for any token: attributes are as below, all else is taken. */
    private static final class Api extends CoapResource {
        private final Attributes attributes;

        Api(Attributes attributes) {
            super("api");
            this.attributes = attributes;
        }

        @Override
        public Resource getChild(String name) {
            return name.equals(attributes.getName()) ? attributes : this;
        }

        @Override
        public void handlePOST(CoapExchange exchange) {
            exchange.respond(ResponseCode.CREATED);
        }

        /** Commands: there are none. */
        @Override
        public void handleGET(CoapExchange exchange) {
            Response response = new Response(ResponseCode.VALID);
            response.getOptions().setObserve(0);
            exchange.respond(response);
        }
    }
}
