using System.Text.Json;

namespace HeteroQwen.Cli.Tests;

public sealed class PluginTests
{
    private static readonly string s_toys = Path.Combine(AppContext.BaseDirectory, "plugins", "HeteroQwen.ToyBackends.dll");

    [Fact]
    public void Devices_lists_those_of_a_plugin()
    {
        JsonElement devices = HeteroQwenProcess.Run("devices", "--plugin", s_toys, "--json").MustSucceed().Json;
        string[] ids = [.. devices.EnumerateArray().Select(d => d.GetProperty("id").GetString()!)];
        Assert.Equal(["cpu:0", "reference:0", "opencl:0"], ids[..3]);
        Assert.Equal("matmulonly:0", ids[^1]);
    }

    [Fact]
    public void Plugin_runs_a_model_and_needs_no_name()
    {
        string[] line = ["run", "--tokens", "1511,269", "-n", "3", "--json", "--precision", "exact"];
        JsonElement usual = HeteroQwenProcess.Run(line).MustSucceed().Json;
        Outcome outcome = HeteroQwenProcess.Run([.. line, "--plugin", s_toys, "--host-fallback"]).MustSucceed();
        Assert.Equal(usual.GetProperty("ids").ToString(), outcome.Json.GetProperty("ids").ToString());
        Assert.Contains("gather_rows", outcome.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("fallback: matmul", outcome.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void Backend_picks_among_a_plugin_and_those_that_are_here()
    {
        Outcome own = HeteroQwenProcess.Run("inspect", "--lowered", "--plugin", s_toys, "-b", "matmulonly:0", "--host-fallback");
        Assert.Contains("matmulonly:0", own.MustSucceed().Out, StringComparison.Ordinal);
        Outcome other = HeteroQwenProcess.Run("inspect", "--lowered", "--plugin", s_toys, "-b", "cpu");
        Assert.Contains("cpu:0", other.MustSucceed().Out, StringComparison.Ordinal);
        HeteroQwenProcess.Run("logits", "--plugin", s_toys, "-b", "gpu", "--tokens", "1").MustRefuse(3, "cpu, reference, opencl and matmulonly");
    }

    [Fact]
    public void Plugin_without_consent_to_the_host_is_refused() =>
        HeteroQwenProcess.Run("logits", "--plugin", s_toys, "--tokens", "1").MustRefuse(2, "--host-fallback");
}
