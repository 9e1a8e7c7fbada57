import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.WebSocket;
import java.util.Scanner;
import java.util.concurrent.CompletionStage;

/**
 * A room over a plain WebSocket with the client of the JDK (17), without a library: prints the frames, sends what it reads.
 *
 * <p>java WebSocketChat.java ws://localhost:8080/ws lobby TOKEN
 */
public class WebSocketChat {
  public static void main(String[] args) throws Exception {
    String room = quote(args[1]);
    WebSocket socket =
        HttpClient.newHttpClient()
            .newWebSocketBuilder()
            .subprotocols("roomful.plain", "bearer." + args[2])
            .buildAsync(URI.create(args[0]), new Printer(room))
            .join();
    Scanner lines = new Scanner(System.in);
    while (lines.hasNextLine()) {
      String content = quote(lines.nextLine());
      socket.sendText("{\"type\":\"chat:message\",\"roomId\":" + room + ",\"content\":" + content + "}", true).join();
    }
    socket.sendClose(WebSocket.NORMAL_CLOSURE, "").join();
  }

  /** Puts the pieces of a message together. */
  private static class Printer implements WebSocket.Listener {
    private final String room;
    private final StringBuilder message = new StringBuilder();

    Printer(String room) {
      this.room = room;
    }

    @Override
    public CompletionStage<?> onText(WebSocket socket, CharSequence piece, boolean isLast) {
      message.append(piece);
      if (isLast) {
        String frame = message.toString();
        message.setLength(0);
        System.out.println(frame);
        if (frame.startsWith("{\"type\":\"auth_ok\"")) {
          socket.sendText("{\"type\":\"room:join\",\"roomId\":" + room + "}", true);
        }
      }
      socket.request(1);
      return null;
    }

    @Override
    public CompletionStage<?> onClose(WebSocket socket, int code, String reason) {
      System.out.println("closed " + code + " " + reason);
      return null;
    }
  }

  private static String quote(String text) {
    StringBuilder json = new StringBuilder("\"");
    for (char each : text.toCharArray()) {
      if (each == '"' || each == '\\' || each < ' ') json.append(String.format("\\u%04x", (int) each));
      else json.append(each);
    }
    return json.append('"').toString();
  }
}
