using HeteroQwen.Backends;

namespace HeteroQwen.Runtime;

/// <summary>
/// From where to where each storage is used, counted in steps. Inputs are uploaded before the first step and outputs read after the
/// last. Where a kernel allows it and an operand is used for the last time, the result takes the operand's place.
/// </summary>
internal static class Liveness
{
    /// <param name="plan">The plan; its storages are given their uses.</param>
    /// <param name="kernelAt">What the kernel of step i says of itself; null as long as it is not prepared, when all is taken to be read.</param>
    public static void Compute(Plan plan, Func<int, KernelInfo?> kernelAt)
    {
        foreach (Storage storage in plan.Storages)
        {
            storage.ForgetUses();
        }

        for (int i = 0; i < plan.Steps.Length; i++)
        {
            switch (plan.Steps[i])
            {
                case TransferStep transfer:
                    transfer.From.UseAt(i);
                    transfer.To.UseAt(i);
                    break;
                case LaunchStep launch:
                    Use(launch, kernelAt(i), i);
                    break;
            }
        }

        foreach (InputUse input in plan.Inputs.Where(input => input.Storage.Last >= 0))
        {
            input.Storage.UseAt(0);
        }

        foreach (OutputUse output in plan.Outputs)
        {
            output.View.Storage.UseAt(plan.Steps.Length);
        }

        for (int i = 0; i < plan.Steps.Length; i++)
        {
            if (plan.Steps[i] is LaunchStep launch && kernelAt(i) is { } kernel)
            {
                Alias(plan, launch, kernel, i);
            }
        }
    }

    private static void Use(LaunchStep launch, KernelInfo? kernel, int at)
    {
        int operands = launch.Constants.Length;
        for (int j = 0; j < launch.Views.Length; j++)
        {
            if (launch.Views[j] is { } view && (j >= operands || LaunchStep.Reads(kernel, j)))
            {
                view.Storage.UseAt(at);
            }
        }
    }

    private static void Alias(Plan plan, LaunchStep launch, KernelInfo kernel, int at)
    {
        int operands = launch.Constants.Length;
        foreach ((int operand, int result) in kernel.InPlace)
        {
            Storage? from = launch.Views[operand]?.Storage;
            Storage to = launch.Views[operands + result]!.Storage;
            bool fits = from is { Kind: StorageKind.Arena } && to is { Kind: StorageKind.Arena, Alias: null }
                && launch.Views[operand]!.Starts.IsEmpty && launch.Views[operand]!.Strides.SequenceEqual(to.Strides)
                && from.Type == to.Type && from.Root.Last == at
                && launch.Views.Count(v => v is not null && v.Storage.Root == from.Root) == 1
                && !plan.Inputs.Any(i => i.Storage == from);
            if (fits)
            {
                to.Alias = from;
                from!.Root.UseAt(to.Last);
            }
        }
    }
}
