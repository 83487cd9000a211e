
class Main {
    public static void main(String[] args) throws Exception {
        var lines = new java.io.BufferedReader(new java.io.InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line; (line = lines.readLine()) != null; ) {
            String[] part = line.split("\t", -1);
            var headers = Map.of("webhook-id", part[2], "webhook-timestamp", part[3], "webhook-signature", part[4]);
            byte[] body = java.util.HexFormat.of().parseHex(part[5]);
            try {
                System.out.println(Webhooks.verify(part[0], headers, body, Long.parseLong(part[1])));
            } catch (IllegalArgumentException e) {
                System.out.println("error");
            }
        }
    }
}
