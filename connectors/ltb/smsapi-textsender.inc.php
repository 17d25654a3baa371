<?php namespace smsapi;

/*
 * Sends the codes of LTB Self Service Password by textsender.
 *
 * Copy this file to lib/, and add to conf/config.inc.local.php:
 *
 *     $sms_method = "api";
 *     $sms_api_lib = "lib/smsapi-textsender.inc.php";
 *
 * The web server's account needs the hub's socket ([serve] socket and group in textsender.toml), or the rights of
 * the account that sends. The text is the policy's: $sms_message is not used.
 */
class smsTextsender
{
    private const COMMAND = ["textsender", "send"];

    /* How many seconds an answer is waited for; more than [send] timeout, which is 30. */
    private const PATIENCE = 60;

    private $request;

    /* LTB hands over the variables of its page that have these names. Each of them is set wherever a code is
     * sent; one that is not would end the page. */
    public function __construct($smstoken, $smstoken_session_id, $login, $userdn, $lang, $cache_token_expiration)
    {
        $this->request = [
            // Asked again, the same page sends nothing twice. The session's own id is no one's to read.
            "id" => "ltb-" . substr(hash("sha256", $smstoken_session_id), 0, 32),
            "purpose" => "verification_code",
            "event" => "reset",
            "user" => ["name" => $login, "dn" => $userdn, "locale" => $lang],
            "code" => strval($smstoken),
            "expires_in" => intval($cache_token_expiration),
        ];
    }

    /* Whether the user may get it: 1 if it was sent or may have been, 0 if certainly not. */
    function send_sms_by_api($mobile, $message)
    {
        $this->request["user"]["phone"] = $mobile;
        // The same id never sends twice, so a repeat is always safe.
        for ($try = 0; $try < 3; $try++) {
            $response = $this->send();
            if (!in_array($response["outcome"], ["unknown", "in_progress", "crashed"])) {
                break;
            }
        }
        if (in_array($response["outcome"], ["accepted", "unknown"])) {
            return 1;
        }
        $code = $response["error"]["code"] ?? "it never ran";
        error_log("textsender: {$this->request["id"]}: {$response["outcome"]}, $code");
        return 0;
    }

    /* One request in, one response out. */
    private function send()
    {
        $unknown = ["outcome" => "unknown"];
        $pipes = [["pipe", "r"], ["pipe", "w"]];
        $process = @proc_open(self::COMMAND, $pipes, $ends);
        if (!is_resource($process)) {
            return ["outcome" => "misconfigured"];
        }
        fwrite($ends[0], json_encode($this->request));
        fclose($ends[0]);
        $answer = $this->read($ends[1]);
        if ($answer === null) {
            proc_terminate($process, 9);
            proc_close($process);
            return $unknown;
        }
        $exit = proc_close($process);
        // With nothing on standard output: it was not found, may not be run, or its command line is wrong.
        if ($answer === "" && in_array($exit, [1, 2, 126, 127])) {
            return ["outcome" => "misconfigured"];
        }
        return json_decode($answer, true) ?? $unknown;
    }

    /* All that comes; null if its end does not come in time. */
    private function read($output)
    {
        stream_set_blocking($output, false);
        $answer = "";
        $end = microtime(true) + self::PATIENCE;
        while (!feof($output)) {
            $left = $end - microtime(true);
            $ready = [$output];
            $none = null;
            if ($left <= 0 || !stream_select($ready, $none, $none, (int) $left, 100000)) {
                if ($left <= 0) {
                    return null;
                }
                continue;
            }
            $answer .= fread($output, 8192);
        }
        return $answer;
    }
}
