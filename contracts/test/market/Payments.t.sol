// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IPayments} from "../../src/IPayments.sol";
import {Market} from "./Market.sol";
import {FalseToken, FeeToken, HookToken, PausableToken, PlainToken, SilentToken} from "./Tokens.sol";

contract Refuser {
    function draw(IPayments payments, address token, uint256 amount, address to) external {
        payments.withdraw(token, amount, to);
    }
}

/// @notice Draws again while it is being paid.
contract Glutton {
    IPayments private immutable PAYMENTS;
    bool public triedAgain;

    constructor(IPayments payments) {
        PAYMENTS = payments;
    }

    function draw(uint256 amount) external {
        PAYMENTS.withdraw(address(0), amount, address(this));
    }

    receive() external payable {
        try PAYMENTS.withdraw(address(0), msg.value, address(this)) {
            revert("paid twice");
        } catch {
            triedAgain = true;
        }
    }
}

contract PaymentsTest is Market {
    function setUp() public {
        deployMarket();
    }

    function opened(address keeper, address which) private returns (uint256 escrow) {
        cheats.prank(keeper);
        escrow = payments.open(which);
    }

    function filled(address keeper, address which, uint256 amount) private returns (uint256 escrow) {
        escrow = opened(keeper, which);
        cheats.prank(keeper);
        payments.deposit{value: value(which, amount)}(escrow, amount);
    }

    function test_coinGoesInAndOutOnce() external {
        roundTrip(COIN);
        eq(address(payments).balance, 0, "nothing left");
    }

    function test_tokensGoInAndOutOnce() external {
        roundTrip(address(token));
        eq(token.balanceOf(address(payments)), 0, "nothing left");
        eq(token.balanceOf(address(0xBEEF)), 5 ether, "drawn");
    }

    function roundTrip(address which) private {
        uint256 escrow = filled(ASKER, which, 5 ether);
        eq(payments.escrowOf(escrow).held, 5 ether, "held");
        eq(payments.escrowOf(escrow).keeper, ASKER, "by its keeper");
        cheats.prank(ASKER);
        payments.pay(escrow, WORKER, 3 ether);
        cheats.prank(ASKER);
        payments.pay(escrow, OTHER, 2 ether);
        eq(payments.creditOf(WORKER, which), 3 ether, "credit");
        cheats.prank(OTHER);
        payments.give(which, WORKER, 2 ether);
        eq(payments.creditOf(OTHER, which), 0, "passed on");
        cheats.prank(WORKER);
        payments.withdraw(which, 5 ether, address(0xBEEF));
        eq(payments.creditOf(WORKER, which), 0, "drawn");
        eq(payments.escrowOf(escrow).held, 0, "and empty");
        cheats.prank(WORKER);
        vm.expectRevert(abi.encodeWithSelector(IPayments.TooLittle.selector, 1, 0));
        payments.withdraw(which, 1, WORKER);
    }

    function test_onlyTheKeeperPaysOut() external {
        uint256 escrow = filled(ASKER, COIN, 1 ether);
        cheats.prank(WORKER);
        vm.expectRevert(abi.encodeWithSelector(IPayments.NotKeeper.selector, escrow));
        payments.pay(escrow, WORKER, 1);
        cheats.prank(WORKER);
        vm.expectRevert(abi.encodeWithSelector(IPayments.NotKeeper.selector, escrow));
        payments.deposit{value: 1}(escrow, 1);
        cheats.prank(ASKER);
        vm.expectRevert(abi.encodeWithSelector(IPayments.NotKeeper.selector, 77));
        payments.pay(77, WORKER, 1);
        eq(payments.escrowOf(77).keeper, address(0), "no such escrow");
    }

    function test_oneEscrowNeverPaysForAnother() external {
        filled(OTHER, COIN, 9 ether);
        uint256 escrow = filled(ASKER, COIN, 1 ether);
        cheats.prank(ASKER);
        vm.expectRevert(abi.encodeWithSelector(IPayments.TooLittle.selector, 2 ether, 1 ether));
        payments.pay(escrow, ASKER, 2 ether);
        cheats.prank(ASKER);
        vm.expectRevert(abi.encodeWithSelector(IPayments.TooLittle.selector, 1, 0));
        payments.give(COIN, WORKER, 1);
    }

    function test_whatIsSentMustBeWhatIsDue() external {
        uint256 coins = opened(ASKER, COIN);
        uint256 tokens = opened(ASKER, address(token));
        cheats.prank(ASKER);
        vm.expectRevert(abi.encodeWithSelector(IPayments.WrongValue.selector, 2, 1));
        payments.deposit{value: 1}(coins, 2);
        cheats.prank(ASKER);
        vm.expectRevert(abi.encodeWithSelector(IPayments.WrongValue.selector, 0, 1));
        payments.deposit{value: 1}(tokens, 1);
    }

    function test_nobodyIsPaidAtAddressesThatCannotDraw() external {
        uint256 escrow = filled(ASKER, COIN, 1 ether);
        cheats.prank(ASKER);
        vm.expectRevert(abi.encodeWithSelector(IPayments.BadReceiver.selector, address(0)));
        payments.pay(escrow, address(0), 1);
        cheats.prank(ASKER);
        vm.expectRevert(abi.encodeWithSelector(IPayments.BadReceiver.selector, address(payments)));
        payments.pay(escrow, address(payments), 1);
        cheats.prank(ASKER);
        payments.pay(escrow, ASKER, 1);
        cheats.prank(ASKER);
        vm.expectRevert(abi.encodeWithSelector(IPayments.BadReceiver.selector, address(payments)));
        payments.withdraw(COIN, 1, address(payments));
    }

    function test_aReceiverThatRefusesNamesAnother() external {
        Refuser refuser = new Refuser();
        uint256 escrow = filled(ASKER, COIN, 1 ether);
        cheats.prank(ASKER);
        payments.pay(escrow, address(refuser), 1 ether);
        vm.expectRevert(abi.encodeWithSelector(IPayments.PaymentFailed.selector, address(refuser)));
        refuser.draw(payments, COIN, 1 ether, address(refuser));
        eq(payments.creditOf(address(refuser), COIN), 1 ether, "still owed");
        refuser.draw(payments, COIN, 1 ether, address(0xBEEF));
        eq(address(0xBEEF).balance, 1 ether, "paid elsewhere");
    }

    function test_drawingWhileBeingPaidDrawsNothing() external {
        Glutton glutton = new Glutton(payments);
        uint256 escrow = filled(ASKER, COIN, 3 ether);
        cheats.prank(ASKER);
        payments.pay(escrow, address(glutton), 2 ether);
        glutton.draw(1 ether);
        yes(glutton.triedAgain(), "tried");
        eq(address(glutton).balance, 1 ether, "once");
        eq(payments.creditOf(address(glutton), COIN), 1 ether, "the rest is there");
    }

    function test_notATokenIsRefused() external {
        vm.expectRevert(abi.encodeWithSelector(IPayments.NotAToken.selector, address(0xBEEF)));
        payments.open(address(0xBEEF));
    }

    function test_aFeeOnTransfersIsRefused() external {
        FeeToken fee = new FeeToken();
        fee.mint(ASKER, 100);
        approveAll(ASKER, address(fee));
        uint256 escrow = opened(ASKER, address(fee));
        cheats.prank(ASKER);
        vm.expectRevert(abi.encodeWithSelector(IPayments.NotReceivedInFull.selector, address(fee), 100, 99));
        payments.deposit(escrow, 100);
    }

    function test_aTokenThatAnswersFalseIsNotBelieved() external {
        FalseToken liar = new FalseToken();
        liar.mint(ASKER, 100);
        uint256 escrow = opened(ASKER, address(liar));
        cheats.prank(ASKER);
        cheats.expectRevert();
        payments.deposit(escrow, 100);
    }

    function test_aTokenThatAnswersNothingIsTaken() external {
        SilentToken silent = new SilentToken();
        silent.mint(ASKER, 100);
        cheats.prank(ASKER);
        silent.approve(address(payments), 100);
        uint256 escrow = filled(ASKER, address(silent), 100);
        cheats.prank(ASKER);
        payments.pay(escrow, WORKER, 100);
        cheats.prank(WORKER);
        payments.withdraw(address(silent), 100, WORKER);
        eq(silent.balanceOf(WORKER), 100, "drawn");
    }

    /// @dev The keeper's token calls back in the middle of the deposit, before it has moved: nothing can be drawn on it.
    function test_aHookInsideADepositDrawsNothing() external {
        HookToken hook = new HookToken();
        hook.mint(address(this), 200);
        hook.approve(address(payments), 200);
        uint256 escrow = payments.open(address(hook));
        payments.deposit(escrow, 100);
        payments.pay(escrow, address(hook), 100);
        hook.arm(address(payments), abi.encodeCall(IPayments.withdraw, (address(hook), 100, address(hook))));
        payments.deposit(escrow, 100);
        no(hook.succeeded(), "guarded");
        eq(payments.creditOf(address(hook), address(hook)), 100, "still credit");
        eq(hook.balanceOf(address(payments)), 200, "and still here");
    }

    function test_aTokenThatStopsHarmsNoOther() external {
        PausableToken stopping = new PausableToken();
        stopping.mint(ASKER, 100);
        approveAll(ASKER, address(stopping));
        uint256 escrow = filled(ASKER, address(stopping), 100);
        uint256 coins = filled(ASKER, COIN, 100);
        cheats.prank(ASKER);
        payments.pay(escrow, WORKER, 100);
        cheats.prank(ASKER);
        payments.pay(coins, WORKER, 100);
        stopping.stop(true);
        cheats.prank(WORKER);
        cheats.expectRevert();
        payments.withdraw(address(stopping), 100, WORKER);
        cheats.prank(WORKER);
        payments.withdraw(COIN, 100, address(0xBEEF));
        stopping.stop(false);
        cheats.prank(WORKER);
        payments.withdraw(address(stopping), 100, WORKER);
        eq(PlainToken(stopping).balanceOf(WORKER), 100, "later");
    }
}
