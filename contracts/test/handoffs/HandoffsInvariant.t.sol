// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IHandoffs} from "../../src/IHandoffs.sol";
import {IDisputes} from "../../src/disputes/IDisputes.sol";
import {SampleRun} from "../disputes/SampleRun.sol";
import {HandoffsFixture} from "./HandoffsFixture.sol";

/// @notice An honest device and one that lies, for two claimants. Bonds come and go, claims are lost over the
/// lie, and everybody blames whom they can. What the device computed is made once, because it is slow.
contract HandoffsHandler is HandoffsFixture {
    uint256 private constant LIAR_KEY = OTHER_KEY;

    IHandoffs.Handoff private honest;
    IHandoffs.Handoff private lie;
    IHandoffs.Signature private honestSignature;
    IHandoffs.Signature private lieSignature;
    IHandoffs.Signature private lyingAgainst;
    /// abi.encode of the hop and the losses, which memory structs with nested lists cannot be stored as.
    bytes private honestHop;
    bytes private lyingHop;
    uint256 private rightClaim;
    bytes[] private losses;
    uint256[] private lostClaims;

    uint256 public paidIn;
    uint256 public drawn;
    uint256 public honestIn;
    uint256 public honestOut;

    constructor() {
        setUp();
        SampleRun.Execution memory right = honestExecution();
        SampleRun.Execution memory said = faultyExecution(1, SampleRun.NEXT);
        (honest, lie) = (handoffOf(right, 1, 1), handoffOf(said, 1, 1));
        honestSignature = sign(DEVICE_KEY, honest);
        (lieSignature, lyingAgainst) = (sign(LIAR_KEY, lie), sign(LIAR_KEY, honest));
        (honestHop, lyingHop) = (abi.encode(hopOf(right.steps[1], 1)), abi.encode(hopOf(said.steps[1], 1)));
        for (uint256 i; i < 2; ++i) {
            (uint256 claim, uint256 game) = loseClaim(said, right);
            lostClaims.push(claim);
            losses.push(abi.encode(lossOf(game, said.steps[1], 1, 0)));
        }
        rightClaim = refute(said, right, 1, 1);
    }

    function device(uint256 who) private view returns (address) {
        return who % 2 == 0 ? DEVICE : OTHER_DEVICE;
    }

    function claimant(uint256 who) private pure returns (address) {
        return who % 2 == 0 ? CLAIMANT : CHALLENGER;
    }

    function wait(uint256 time) external {
        vm.warp(block.timestamp + bound(time, 1, 20 days));
    }

    function deposit(uint256 who, uint256 whom, uint256 amount, uint256 time) external {
        amount = bound(amount, 1, 1 ether);
        uint64 until = handoffs.bondOf(device(who), run, claimant(whom)).until;
        if (until <= block.timestamp) until = uint64(block.timestamp + 1);
        until = uint64(bound(time, until, block.timestamp + 365 days));
        if (handoffs.isForfeited(device(who), run)) return;
        vm.deal(device(who), amount);
        vm.prank(device(who));
        handoffs.deposit{value: amount}(run, claimant(whom), until);
        paidIn += amount;
        if (device(who) == DEVICE) honestIn += amount;
    }

    function withdraw(uint256 who, uint256 whom) public {
        IHandoffs.Bond memory bond = handoffs.bondOf(device(who), run, claimant(whom));
        vm.prank(device(who));
        try handoffs.withdraw(run, claimant(whom)) {
            assertGt(block.timestamp, bond.until, "not before its time");
            assertFalse(handoffs.isForfeited(device(who), run), "not of a liar");
            assertGt(bond.amount, 0);
        } catch {
            assertTrue(
                block.timestamp <= bond.until || handoffs.isForfeited(device(who), run) || bond.amount == 0,
                "an honest device can always withdraw in the end"
            );
        }
    }

    function draw(uint256 who) public {
        address[4] memory all = [DEVICE, OTHER_DEVICE, CLAIMANT, CHALLENGER];
        address to = all[who % 4];
        uint256 credit = creditOf(to);
        if (credit == 0) return;
        vm.prank(to);
        payments.withdraw(address(0), credit, to);
        drawn += credit;
        if (to == DEVICE) honestOut += credit;
    }

    /// @dev Whoever tries anything against the honest device fails.
    function accuse(uint256 how) external {
        IHandoffs.Hop memory hop = abi.decode(how % 2 == 0 ? honestHop : lyingHop, (IHandoffs.Hop));
        if (how % 3 == 0) {
            try handoffs.convict(DEVICE, honest, honestSignature, terms, hop, rightClaim) {
                assertTrue(false, "an honest device is convicted");
            } catch {}
        } else if (how % 3 == 1) {
            try handoffs.contradict(DEVICE, honest, honestSignature, lie, lieSignature) {
                assertTrue(false, "a lie of another device counts");
            } catch {}
        } else {
            IHandoffs.Loss memory loss = abi.decode(losses[how % 2], (IHandoffs.Loss));
            try handoffs.blame(DEVICE, honest, terms, loss) {
                assertTrue(false, "an honest device is blamed");
            } catch {}
        }
    }

    function convictLiar() external {
        IHandoffs.Hop memory hop = abi.decode(lyingHop, (IHandoffs.Hop));
        handoffs.convict(OTHER_DEVICE, lie, lieSignature, terms, hop, rightClaim);
    }

    function contradictLiar() external {
        handoffs.contradict(OTHER_DEVICE, honest, lyingAgainst, lie, lieSignature);
    }

    function blame(uint256 which) external {
        IHandoffs.Loss memory loss = abi.decode(losses[which % 2], (IHandoffs.Loss));
        uint256 before = handoffs.bondOf(OTHER_DEVICE, run, CLAIMANT).amount;
        try handoffs.blame(OTHER_DEVICE, lie, terms, loss) {
            assertGt(before, 0);
            assertEq(handoffs.bondOf(OTHER_DEVICE, run, CLAIMANT).amount, 0, "a bond pays once");
        } catch {}
    }

    // ------------------------------------------------------------ invariants

    function check() external view {
        uint256 owed = handoffs.burned();
        for (uint256 i; i < 2; ++i) {
            for (uint256 j; j < 2; ++j) {
                owed += handoffs.bondOf(device(i), run, claimant(j)).amount;
            }
            IDisputes.Claim memory c = disputes.claimOf(lostClaims[i]);
            assertLe(handoffs.paidFor(lostClaims[i]), c.bond, "a claim gets its bond at most");
        }
        assertEq(payments.escrowOf(0).held, owed, "the escrow has the bonds and what was burned");
        uint256 credits =
            creditOf(DEVICE) + creditOf(OTHER_DEVICE) + creditOf(CLAIMANT) + creditOf(CHALLENGER);
        assertEq(owed + credits + drawn, paidIn, "every wei is a bond, burned, owed or drawn");
        assertFalse(handoffs.isForfeited(DEVICE, run), "the honest device");
    }

    function finish() external {
        vm.warp(block.timestamp + 366 days);
        withdraw(0, 0);
        withdraw(0, 1);
        draw(0);
        assertEq(honestOut, honestIn, "an honest device has all of its bonds back");
    }
}

contract HandoffsInvariantTest is HandoffsFixture {
    HandoffsHandler private handler;

    function setUp() public override {
        handler = new HandoffsHandler();
        targetContract(address(handler));
        bytes4[] memory excluded = new bytes4[](2);
        (excluded[0], excluded[1]) = (HandoffsHandler.finish.selector, HandoffsFixture.setUp.selector);
        excludeSelector(FuzzSelector(address(handler), excluded));
    }

    /// [V-77]
    /// forge-config: default.invariant.runs = 32
    /// forge-config: default.invariant.depth = 60
    function invariant_bondsAndPaymentsHold() public view {
        handler.check();
    }

    function afterInvariant() public {
        handler.finish();
        handler.check();
    }
}
