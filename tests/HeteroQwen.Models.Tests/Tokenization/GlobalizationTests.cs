using System.Diagnostics;
using System.Runtime.InteropServices;

namespace HeteroQwen.Models.Tests;

/// <summary>Every vector again in a process of the other globalization mode: ids must not depend on ICU.</summary>
public sealed class GlobalizationTests
{
    private const string ChildMark = "HETEROQWEN_TEST_INVARIANT";

    /// <summary>In the child it proves that the mode was flipped; in the parent, that the mode is the product's.</summary>
    [Fact]
    public void Mode_is_the_one_asked_for()
    {
        var invariant = Environment.GetEnvironmentVariable(ChildMark) != "false";
        Assert.Equal(invariant ? "e\u0301" : "\u00E9", "e\u0301".Normalize());
    }

    [Fact]
    public async Task Vectors_come_out_the_same_with_ICU()
    {
        Assert.SkipWhen(Environment.GetEnvironmentVariable(ChildMark) is not null, "this is the child process");
        var name = Path.Combine(AppContext.BaseDirectory, "HeteroQwen.Models.Tests");
        var config = Path.Combine(Path.GetTempPath(), $"heteroqwen-{Guid.NewGuid():N}.runtimeconfig.json");
        try
        {
            var shipped = File.ReadAllText(name + ".runtimeconfig.json");
            const string Switch = "\"System.Globalization.Invariant\": true";
            Assert.Contains(Switch, shipped, StringComparison.Ordinal);
            File.WriteAllText(config, shipped.Replace(Switch, Switch.Replace("true", "false")));
            var (exitCode, output) = await RunAsync("exec", "--runtimeconfig", config, "--depsfile", name + ".deps.json", name + ".dll",
                "--filter-class", typeof(GlobalizationTests).FullName!,
                "--filter-class", typeof(TokenizerVectorTests).FullName!,
                "--filter-class", typeof(ChatVectorTests).FullName!);
            Assert.SkipWhen(
                output.Contains("valid ICU package", StringComparison.Ordinal),
                "ICU is not installed: .NET does not start in the mode that needs it");
            Assert.True(exitCode == 0, output);
        }
        finally
        {
            File.Delete(config);
        }
    }

    private static async Task<(int ExitCode, string Output)> RunAsync(params string[] arguments)
    {
        // The muxer that runs this process: shared/Microsoft.NETCore.App/10.x lies three folders below it.
        var dotnet = Path.GetFullPath(Path.Combine(RuntimeEnvironment.GetRuntimeDirectory(), "..", "..", "..", "dotnet"));
        var start = new ProcessStartInfo(dotnet, arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment["DOTNET_SYSTEM_GLOBALIZATION_INVARIANT"] = "0";
        start.Environment[ChildMark] = "false";
        using var child = Process.Start(start)!;
        var error = child.StandardError.ReadToEndAsync();
        var output = await child.StandardOutput.ReadToEndAsync();
        await child.WaitForExitAsync();
        return (child.ExitCode, output + await error);
    }
}
