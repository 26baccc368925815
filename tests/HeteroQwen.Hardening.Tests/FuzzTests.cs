using System.Globalization;
using CsCheck;
using HeteroQwen.Ir;
using HeteroQwen.TestSupport;

// What is measured belongs to the whole process.
[assembly: Xunit.v3.Parallelization(Mode = Xunit.Sdk.ParallelMode.None)]

namespace HeteroQwen.Hardening.Tests;

/// <summary>
/// Spoilt files of every kind: each is used, or refused by one sentence; none crashes, hangs, or makes the process allocate more than
/// 64 MB plus 20 times the file. <c>docs/testing.md</c> says how to run it for longer, and one sample again.
/// </summary>
public sealed class FuzzTests
{
    private const int Samples = 150;
    private const long FixedBytes = 64 << 20;
    private static readonly TimeSpan s_hang = TimeSpan.FromSeconds(60);

    public static TheoryData<string> Kinds => new(Targets.Names);

    [Theory]
    [MemberData(nameof(Kinds))]
    public void A_spoilt_file_is_used_or_refused_by_a_sentence(string kind)
    {
        string[] again = Environment.GetEnvironmentVariable("HETEROQWEN_FUZZ_SEED")?.Split(':') ?? [];
        if (again.Length > 0 && again[0] != kind)
        {
            return;
        }

        // Before anything is measured: what is loaded and compiled once, and that the original is used.
        using Target target = Targets.Open(kind);
        target.Use(target.Original);
        if (again.Length > 0)
        {
            Run(target, int.Parse(again[1], CultureInfo.InvariantCulture));
            return;
        }

        Sample(target);
    }

    private static void Sample(Target target)
    {
        // A crash leaves this folder, and with it the seed.
        using TempFolder folder = new();
        int refused = 0;
        int all = 0;
        int seconds = int.Parse(Environment.GetEnvironmentVariable("HETEROQWEN_FUZZ_SECONDS") ?? "0", CultureInfo.InvariantCulture);
        Gen.Int.NonNegative.Sample(
            seed =>
            {
                folder.Write("seed", $"{target.Name}:{seed}");
                refused += Run(target, seed) ? 1 : 0;
                all++;
            },
            iter: seconds > 0 ? -1 : Samples,
            time: seconds > 0 ? Math.Max(1, seconds / Targets.Names.Length) : -1,
            threads: 1);
        Assert.True(
            all < Samples || refused > all / 10,
            $"only {refused} of {all} spoilt files were refused: the mutations do not reach what they should");
    }

    /// <summary>True if the file was refused.</summary>
    private static bool Run(Target target, int seed)
    {
        byte[] bytes = new Mutator(new Random(seed)).Mutate(target.Original, target.Shape, target.Interesting);
        string which = $"HETEROQWEN_FUZZ_SEED='{target.Name}:{seed}'";
        using Timer watchdog = new(_ => Environment.FailFast($"{which}: hangs"), null, s_hang, Timeout.InfiniteTimeSpan);
        long space = AddressSpace.Peak();
        long allocated = GC.GetTotalAllocatedBytes();
        bool refused = IsRefused(target, bytes, which);
        allocated = GC.GetTotalAllocatedBytes() - allocated;
        space = AddressSpace.Peak() - space;
        Assert.True(
            allocated + space <= FixedBytes + (20L * bytes.Length),
            $"{which}: {allocated} managed and {space} other bytes allocated for a file of {bytes.Length}");
        return refused;
    }

    private static bool IsRefused(Target target, byte[] bytes, string which)
    {
        try
        {
            target.Use(bytes);
            return false;
        }
        catch (UserErrorException e)
        {
            Assert.True(e.Message.Length is > 0 and < 1000 && !e.Message.Any(char.IsControl), $"{which}: no sentence: {e.Message}");
            Assert.True(e.Message.Contains(target.Place, StringComparison.Ordinal), $"{which}: does not say where: {e.Message}");
            return true;
        }
        catch (Exception e)
        {
            throw new InvalidOperationException($"{which}: {e.GetType().Name}: {e.Message}", e);
        }
    }
}
