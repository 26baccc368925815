using System.Diagnostics;
using System.Text;
using System.Text.Json;

namespace HeteroQwen.Cli.Tests;

/// <summary>What a command left behind.</summary>
internal sealed record Outcome(int Code, string Out, string Error)
{
    public JsonElement Json => JsonDocument.Parse(Out).RootElement;

    /// <summary>Checks that the command ended with one sentence, on one line and without a stack trace, that has these parts.</summary>
    public void MustRefuse(int code, params string[] parts)
    {
        Assert.Equal(code, Code);
        Assert.Equal("", Out);
        string sentence = Assert.Single(Error.Split('\n', StringSplitOptions.RemoveEmptyEntries));
        Assert.StartsWith("heteroqwen: ", sentence, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", sentence, StringComparison.Ordinal);
        Assert.All(parts, part => Assert.Contains(part, sentence, StringComparison.Ordinal));
    }

    public Outcome MustSucceed()
    {
        Assert.True(Code == 0, $"exit code {Code}: {Error}");
        return this;
    }
}

/// <summary>Runs the built tool as a child process.</summary>
internal static class HeteroQwenProcess
{
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(120);

    private static string Tool => Path.Combine(AppContext.BaseDirectory, "heteroqwen");

    public static Outcome Run(params string[] args) => RunIn(Environment.CurrentDirectory, "", args);

    public static Outcome RunWithInput(string input, params string[] args) => RunIn(Environment.CurrentDirectory, input, args);

    public static Outcome RunIn(string folder, string input, params string[] args) =>
        Finish(Start(Tool, folder, args), input);

    /// <summary>Runs a line as it stands in a help text; the tool is found by its name.</summary>
    public static Outcome RunInShell(string line) => Finish(Start("/bin/sh", Environment.CurrentDirectory, ["-c", line]), "");

    public static Process Start(params string[] args) => Start(Tool, Environment.CurrentDirectory, args);

    /// <summary>Waits for the end of a process whose output goes on being read.</summary>
    public static Outcome Finish(Process process, string input = "")
    {
        using (process)
        {
            Task<string> output = process.StandardOutput.ReadToEndAsync();
            Task<string> error = process.StandardError.ReadToEndAsync();
            process.StandardInput.Write(input);
            process.StandardInput.Close();
            if (!process.WaitForExit(s_limit))
            {
                process.Kill(entireProcessTree: true);
                Assert.Fail($"still running after {s_limit}");
            }

            return new Outcome(process.ExitCode, output.Result, error.Result);
        }
    }

    private static Process Start(string file, string folder, IEnumerable<string> args)
    {
        ProcessStartInfo start = new(file, args)
        {
            WorkingDirectory = folder,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            StandardInputEncoding = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false),
            StandardOutputEncoding = Encoding.UTF8,
            StandardErrorEncoding = Encoding.UTF8,
        };

        // A terminal that could do everything must not tempt a command whose output is piped.
        start.Environment["TERM"] = "xterm-256color";
        start.Environment.Remove("NO_COLOR");
        start.Environment["PATH"] = $"{AppContext.BaseDirectory}:{start.Environment["PATH"]}";
        return Process.Start(start)!;
    }
}
