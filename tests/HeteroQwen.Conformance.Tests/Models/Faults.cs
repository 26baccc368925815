using HeteroQwen.Ir;

namespace HeteroQwen.Conformance.Tests;

/// <summary>Faults that real backends have had.</summary>
internal static class Faults
{
    /// <summary>Angles as a theta that is a little off gives them, in prefill and decode alike.</summary>
    public static WrongBackend RopeTheta(double factor = 1.01) => new(launch =>
    {
        int at = launch.Op.Name switch
        {
            "rope" => 1,
            "qk_norm_rope" => 2,
            "attention_block" => 8,
            _ => -1,
        };
        if (at < 0)
        {
            launch.Run();
            return;
        }

        (float[] cos, float[] sin) = (launch.Memory<float>(at).ToArray(), launch.Memory<float>(at + 1).ToArray());
        for (int i = 0; i < cos.Length; i++)
        {
            double angle = Math.Atan2(sin[i], cos[i]) * factor;
            (launch.Memory<float>(at)[i], launch.Memory<float>(at + 1)[i]) = ((float)Math.Cos(angle), (float)Math.Sin(angle));
        }

        launch.Run();
        cos.CopyTo(launch.Memory<float>(at));
        sin.CopyTo(launch.Memory<float>(at + 1));
    });

    /// <summary>One slot of the pool keeps what it held.</summary>
    public static WrongBackend StaleSlot(int slot) => KeepsSlots(_ => [slot]);

    /// <summary>A slot is written once and never again, as if a rollback had not happened.</summary>
    public static WrongBackend NoRollback()
    {
        HashSet<(nint State, int Slot)> written = [];
        return KeepsSlots(launch =>
        {
            nint state = launch.StateAddress;
            return [.. launch.Memory<int>(1).ToArray().Where(s => !written.Add((state, s)))];
        });
    }

    /// <summary>Attention sees all entries, whatever the window.</summary>
    public static WrongBackend NoWindow() => new(launch => launch.Run())
    {
        Alter = op => op.Attributes.Contains("window")
            ? op with { Attributes = new([.. op.Attributes.Select(a => (a.Key, a.Key == "window" ? (AttributeValue)0L : a.Value))]) }
            : op,
    };

    /// <summary>The first two experts of each token change places, and their weights do not.</summary>
    public static WrongBackend SwappedExperts() => new(launch =>
    {
        launch.Run();
        if (launch.Op.Name == "moe_route")
        {
            int result = launch.Op.Results[0].Element == ElementType.I32 ? 0 : 1;
            Span<int> experts = launch.Result<int>(result);
            int used = (int)launch.Op.Results[result].Dims[^1].Constant;
            for (int i = 0; i < experts.Length; i += used)
            {
                (experts[i], experts[i + 1]) = (experts[i + 1], experts[i]);
            }
        }
    });

    /// <summary>An element of the result of the op that reads a weight of the model is off by a hundredth.</summary>
    public static WrongBackend Layer(string constant) => new(launch =>
    {
        launch.Run();
        if (launch.Reads(constant))
        {
            launch.Result<float>(0)[^1] += 0.01f;
        }
    });

    /// <summary>The op loses its last element wherever there are several tokens.</summary>
    public static WrongBackend Op(string name) => new(launch =>
    {
        launch.Run();
        if (launch.Op.Name == name)
        {
            launch.Result<float>(0)[^1] = 0;
        }
    });

    private static WrongBackend KeepsSlots(Func<WrongLaunch, int[]> stale) => new(launch =>
    {
        if (launch.Op.Name != "scatter_rows")
        {
            launch.Run();
            return;
        }

        int[] slots = stale(launch);
        byte[] before = launch.Bytes(0).ToArray();
        launch.Run();
        int row = before.Length / (int)launch.Op.Operands[0].Dims[0].Constant;
        foreach (int slot in slots)
        {
            before.AsSpan(slot * row, row).CopyTo(launch.Bytes(0)[(slot * row)..]);
        }
    });
}
