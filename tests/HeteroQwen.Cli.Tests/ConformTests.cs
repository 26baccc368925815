using System.Text.Json;
using HeteroQwen.TestSupport;

namespace HeteroQwen.Cli.Tests;

public sealed class ConformTests
{
    [Fact]
    public void Json_has_the_fields_of_the_design_and_repros_that_run()
    {
        JsonElement json = HeteroQwenProcess.Run("conform", "-b", "reference", "--filter", "runtime/copy/device-pinned/3-*", "--json").MustSucceed().Json;
        Assert.Equal(
            ["level", "level_exact", "host_fallback", "batch_invariant", "kernels_from_resident", "counts", "kill_rate", "cases"],
            json.EnumerateObject().Select(p => p.Name));
        JsonElement only = Assert.Single(json.GetProperty("cases").EnumerateArray());
        Assert.Equal("pass", only.GetProperty("status").GetString());
        Outcome again = HeteroQwenProcess.RunInShell(only.GetProperty("repro").GetString()!).MustSucceed();
        Assert.Contains("1 cases", again.Out, StringComparison.Ordinal);
        Assert.Contains("1 pass", again.Out, StringComparison.Ordinal);
    }

    [Fact]
    public void Report_is_a_folder_of_a_certificate_junit_and_a_page()
    {
        using TempFolder folder = new();
        HeteroQwenProcess.Run("conform", "--filter", "runtime/fill/*", "--report", folder.Path).MustSucceed();
        Assert.Equal(
            ["certificate.json", "junit.xml", "report.html"], Directory.GetFiles(folder.Path).Select(Path.GetFileName).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void What_is_wrong_on_the_line_is_told_before_a_worker_starts()
    {
        HeteroQwenProcess.Run("conform", "-b", "cpux").MustRefuse(3, "cpux");
        HeteroQwenProcess.Run("conform", "--filter", "nothing/*").MustRefuse(2, "none of the");
        HeteroQwenProcess.Run("conform", "--level", "L6").MustRefuse(2, "L6");
        HeteroQwenProcess.Run("conform", "--level", "L4", "--filter", "op/*").MustRefuse(2, "--level");
        HeteroQwenProcess.Run("conform", "--profile", "slow").MustRefuse(2, "slow");
        HeteroQwenProcess.Run("conform", "--seed", "-1").MustRefuse(2, "seed");
    }

    [Fact]
    public void Hidden_verbs_are_in_no_help_and_no_suggestion()
    {
        Assert.DoesNotContain("conform-", HeteroQwenProcess.Run("--help").Out, StringComparison.Ordinal);
        Assert.DoesNotContain("conform-", HeteroQwenProcess.Run("conform-worke").Error.Replace("'conform-worke'", "", StringComparison.Ordinal), StringComparison.Ordinal);
    }
}
